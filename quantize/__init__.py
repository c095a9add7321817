"""Full-integer int8 models for the box, and the proof that quantising cost nothing.

Nothing heavy is imported before it is used: `import quantize` does not load TensorFlow.

Examples
--------
>>> import quantize
>>> quantize.Limits(min_positives=500).min_label_agreement
0.995

"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.lazy import face

if TYPE_CHECKING:
    from quantize.bundling import Settings
    from quantize.checking import BundleCheck
    from quantize.library import check, convert
    from quantize.limits import Limits
    from quantize.report import verdict

__all__ = ["BundleCheck", "Limits", "Settings", "check", "convert", "verdict"]

if not TYPE_CHECKING:  # a type checker would take any name for an attribute
    __getattr__, __dir__ = face(
        __name__,
        {
            "BundleCheck": "quantize.checking",
            "Limits": "quantize.limits",
            "Settings": "quantize.bundling",
            "check": "quantize.library",
            "convert": "quantize.library",
            "verdict": "quantize.report",
        },
    )

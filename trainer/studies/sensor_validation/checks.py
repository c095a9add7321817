"""Results of a check of the camera: a table of ours against another's, a verdict, and plots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Curve:
    """A line or points of a plot; `style` is "line", "points" or "steps"."""

    label: str
    x: list[float] = field(repr=False)
    y: list[float] = field(repr=False)
    style: str = "line"


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture of a check."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison.

    Attributes
    ----------
    name, against : str
        Quantity that is compared, and the reference that it is compared with.
    columns : tuple of str
    rows : tuple of tuples
        The table, numbers or text.
    passed : bool or None
        Whether the condition holds; None for a figure without a condition.
    criterion : str
        Condition for passing.
    explanation : str
        Reasons for differences between the figures.
    plots : tuple of Plot

    """

    name: str
    against: str
    columns: tuple[str, ...]
    rows: tuple[tuple[float | str, ...], ...]
    passed: bool | None
    criterion: str = ""
    explanation: str = ""
    plots: tuple[Plot, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the check as JSON, without its plots."""
        return {
            "name": self.name,
            "against": self.against,
            "criterion": self.criterion,
            "passed": self.passed,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "explanation": self.explanation,
        }

"""Whether a bundle came from a run: what `convert` notes of the run in the manifest, compared with the run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quantize.errors import QuantiseError
from trainer.training.request import without_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from trainer.training.run import Run

WEIGHTS = "weights_sha256"
_SAME_RUN = ("network", "seed", "created_utc", "data.sha256", WEIGHTS)


def run_card(run: Run, network: keras.Model) -> dict[str, Any]:
    """Return what a bundle notes of its run: settings, data and weights; folders by name only, as a bundle travels."""
    card = run.manifest.model_dump(mode="json", include={"network", "seed", "commit", "created_utc", "data"})
    card["data"]["paths"] = [Path(path).name for path in run.manifest.data.paths]
    if run.manifest.members:
        card["members"] = [without_folder(source) for source in run.manifest.members]
    return {**card, WEIGHTS: weights_sha256(network)}


def weights_sha256(network: keras.Model) -> str:
    """Return the SHA-256 of all weights of a network, in the order of its layers. A copy of the run has the same."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        array = np.ascontiguousarray(weight, "<f4")
        digest.update(f"{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def require_origin(what: str, noted: Mapping[str, Any], run: Run, network: keras.Model) -> None:
    """Check that a run is the one that a bundle was converted from, by all that the bundle notes of it.

    Parameters
    ----------
    what : str
        The bundle, for messages.
    noted : mapping
        The result of `run_card` when it was converted; one of an earlier version lacks the weights, and an empty one
        says nothing.
    run : Run
    network : keras.Model
        Its best network.

    Raises
    ------
    QuantiseError
        It is another run.

    """
    own = run_card(run, network)
    differing = [name for name in _SAME_RUN if _part(noted, name) not in (None, _part(own, name))]
    if differing:
        raise QuantiseError(
            what,
            f"it came from another run than {run.path}: {', '.join(differing)} differ "
            f"(that run {_described(noted)}, this one {_described(own)})",
            "name the run that it was converted from, or convert this one",
        )


def _part(card: Mapping[str, Any], name: str) -> object:
    key, _, inner = name.partition(".")
    found = card.get(key)
    return found.get(inner) if inner and isinstance(found, dict) else found


def _described(card: Mapping[str, Any]) -> str:
    """Return the date, the seed and the weights of a run, as far as they are known."""
    known = [f"of {card['created_utc']}"] if "created_utc" in card else []
    known += [f"seed {card['seed']}"] if "seed" in card else []
    known += [f"weights {card[WEIGHTS][:12]}…"] if WEIGHTS in card else []
    return ", ".join(known)

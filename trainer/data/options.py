"""From the words of a command line to a checked recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.data.build import FUSION_CHOICES, KINDS, Recipe
from trainer.data.footage import require_footage
from trainer.data.nuisances import NUISANCES
from trainer.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def recipe_from_options(
    *,
    kind: str,
    crops: int,
    crop_size: int,
    seed: int,
    fusion: str,
    footage: Sequence[Path],
    footage_share: float,
    nuisances: Sequence[str] | None,
    nuisance_share: float,
) -> Recipe:
    """Check the options and look at the footage.

    Raises
    ------
    OptionError
        A word that is no choice; the message lists the choices.
    DatasetError
        Footage of which nothing can be used.

    """
    chosen_kind = next((one for one in KINDS if one == kind), None)
    if chosen_kind is None:
        raise OptionError("--kind", kind, KINDS)
    chosen_fusion = next((one for one in FUSION_CHOICES if one == fusion), None)
    if chosen_fusion is None:
        raise OptionError("--fusion", fusion, FUSION_CHOICES)
    chosen = NUISANCES if nuisances is None else tuple(dict.fromkeys(nuisances))
    if chosen == ("none",):
        chosen = ()
    for one in chosen:
        if one not in NUISANCES:
            raise OptionError("--nuisance", one, (*NUISANCES, "none"))
    return Recipe(
        kind=chosen_kind,
        crops=crops,
        crop_size=crop_size,
        seed=seed,
        fusion=chosen_fusion,
        footage=tuple(require_footage(footage)),
        footage_share=footage_share,
        nuisances=chosen,
        nuisance_share=nuisance_share,
    )

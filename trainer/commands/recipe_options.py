"""Checks the options of a dataset and makes its recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from trainer.commands.options import warn
from trainer.data.build import FUSION_CHOICES, KINDS, Recipe
from trainer.data.hits import RADIATIONS
from trainer.errors import OptionError
from trainer.filming.nuisances import IN_DATASETS, NUISANCES
from trainer.scenes.footage import require_footage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


Choice = TypeVar("Choice", bound=str)


def one_of(option: str, word: str, choices: tuple[Choice, ...]) -> Choice:
    """Return the choice that a word of the command line names.

    Raises
    ------
    OptionError
        None of the choices was given.

    """
    for choice in choices:
        if choice == word:
            return choice
    raise OptionError(option, word, choices)


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
    radiations: Sequence[str] | None,
) -> Recipe:
    """Check the options and look at the footage.

    Raises
    ------
    OptionError
        A word that is no choice; the message lists the choices.
    DatasetError
        Footage of which nothing can be used.

    """
    named = IN_DATASETS if nuisances is None else tuple(dict.fromkeys(nuisances))
    if named == ("none",):
        named = ()
    for name in named:
        if name not in NUISANCES:
            raise OptionError("--nuisance", name, (*NUISANCES, "none"))
    return Recipe(
        kind=one_of("--kind", kind, KINDS),
        crops=crops,
        crop_size=crop_size,
        seed=seed,
        fusion=one_of("--fusion", fusion, FUSION_CHOICES),
        footage=tuple(require_footage(footage, warn)),
        footage_share=footage_share,
        nuisances=named,
        nuisance_share=nuisance_share,
        radiations=RADIATIONS
        if not radiations
        else tuple(one_of("--nuclide", name, RADIATIONS) for name in radiations),
    )

"""Words for people in place of the keys and values that a dataset notes of its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STRATA: dict[str, str] = {
    "added_dn": "light that the hit adds, grey levels",
    "background_dn": "brightness of the ground, grey levels",
    "motion_dn": "motion around, grey levels",
    "jpeg_quality": "JPEG quality",
    "pixels": "pixels of the hit above half of its height",
    "split": "split",
    "recording": "recording",
    "fusion": "fusion of hit and picture",
    "way": "how a hit is put into its picture",
    "nuisance": "disturbance",
    "trait": "what is special about the scene",
    "place": "where in the picture",
    "stratum": "how visible the hit is",
    "nuclide": "source of the hit",
    "silicon": "silicon of the sensor",
}
_VALUES: dict[str, dict[str, str]] = {
    "fusion": {"charge": "charge added on the sensor", "max": "the brighter of hit and picture (the paper's)"},
    "way": {
        "sensor": "charge added on the sensor",
        "picture": "light added to a finished picture",
        "max": "the brighter of hit and picture (the paper's)",
    },
    "stratum": {"negative": "no hit", "faint": "faint, below 25", "visible": "25 to 40", "bright": "above 40"},
    "place": {
        "candidate": "what the fast path proposes",
        "random": "anywhere",
        "moving": "where something moves",
        "blotch": "on a noise blotch",
        "beside blotch": "beside a noise blotch",
    },
}
_IN_SHORT: dict[str, str] = {
    "added_dn": "adds {:.0f} grey levels",
    "pixels": "{:.0f} pixels",
    "background_dn": "ground {:.0f}",
    "motion_dn": "motion {:.1f}",
    "nuclide": "{}",
    "nuisance": "{}",
    "recording": "from {}",
}


def stratum_words(name: str) -> str:
    """Return what a stratum is called."""
    return STRATA.get(name, name.replace("_", " "))


def value_words(name: str, value: str) -> str:
    """Return what a value of a stratum is called.

    Examples
    --------
    >>> value_words("way", "sensor"), value_words("nuisance", "none"), value_words("recording", "hall_1.avi")
    ('charge added on the sensor', 'none', 'hall_1.avi')

    """
    return _VALUES.get(name, {}).get(value, value if name == "recording" else value.replace("_", " "))


def short_range(words: str) -> str:
    """Return the words of a range as a short label of an axis.

    Examples
    --------
    >>> short_range("below 25"), short_range("25 to 40"), short_range("40 and more")
    ('<25', '25–40', '40+')

    """
    return words.replace("below ", "<").replace(" and more", "+").replace(" to ", "–")


def sample_words(sample: Mapping[str, object]) -> str:
    """Return in a line what is noted of a sample.

    Examples
    --------
    >>> sample_words({"added_dn": 41.2, "motion_dn": 0.5, "nuisance": None, "scene": "hall-3"})
    'adds 41 grey levels, motion 0.5'

    """
    known = [(words, sample[name]) for name, words in _IN_SHORT.items() if sample.get(name) not in {None, "none"}]
    return ", ".join(words.format(value) for words, value in known)

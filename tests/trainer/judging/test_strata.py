"""Samples are sorted into strata by what the dataset notes of them."""

from trainer.judging.strata import bins

NOTES = tuple(
    {"added_dn": added, "nuisance": nuisance, "proposed": proposed}
    for added, nuisance, proposed in [(None, "rain", True), (10, None, False), (30, None, True)]
)


def test_bins_hold_every_noted_value_once():
    rows = {(name, kind): int(inside.sum()) for name, kind, inside in bins(NOTES, ("nuisance", "proposed"))}
    assert rows == {
        ("added_dn", "8 to 15"): 1,
        ("added_dn", "25 to 40"): 1,
        ("nuisance", "none"): 2,
        ("nuisance", "rain"): 1,
        ("proposed", "no"): 1,
        ("proposed", "yes"): 2,
    }

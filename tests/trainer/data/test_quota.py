from collections import Counter

import numpy as np
import pytest

from trainer.data.quota import TEST_SHARES, Quota


@pytest.mark.parametrize("wanted", [1, 2, 7, 512])
def test_half_of_each_label_is_taken_and_no_more(wanted: int) -> None:
    quota = Quota(wanted)
    taken = [label for label in [0, 1] * wanted if quota.takes(label, {})]
    assert quota.filled
    assert (taken.count(0), taken.count(1)) == (wanted - wanted // 2, wanted // 2)


def test_a_test_mixture_has_the_shares_that_it_promises_in_both_labels() -> None:
    rng = np.random.default_rng(1)
    quota = Quota(500, TEST_SHARES)
    counts: Counter[tuple[int, str]] = Counter()
    while not quota.filled:
        label, added_dn, motion_dn = int(rng.random() < 0.8), float(rng.uniform(6, 80)), float(rng.uniform(0, 15))
        if quota.takes(label, {"struck_dn": added_dn, "motion_dn": motion_dn}):
            counts[label, "visible" if 25 <= added_dn < 40 else "other"] += 1
            counts[label, "moves" if motion_dn > 10 else "rests"] += 1
    for label in (0, 1):
        assert counts[label, "visible"] >= 0.35 * 250
        assert counts[label, "moves"] >= 0.35 * 250

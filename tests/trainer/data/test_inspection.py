from pathlib import Path

import numpy as np
from synthetic_data import synthetic_samples, write_synthetic

from trainer.data.inspection import contact_sheet, page, sheets, statistics


def test_statistics_count_by_label() -> None:
    samples = synthetic_samples(np.random.default_rng(1), 40, 24)
    counted = statistics(samples.strata, samples.label)
    assert (counted.samples, counted.hits, counted.scenes) == (40, 20, 4)
    assert counted.named["split"] == {"train": (20, 20)}
    assert sum(hits for _, hits in counted.ranges["added_dn"].values()) == 20
    assert sum(n for n, _ in counted.ranges["background_dn"].values()) == 20
    assert counted.proposed == (1.0, 1.0)


def test_contact_sheet_frames_hits_in_red() -> None:
    samples = synthetic_samples(np.random.default_rng(1), 4, 24)
    sheet = contact_sheet(samples, np.array([1, 0]), columns=2)
    assert tuple(sheet[0, 0]) == (40, 40, 230)
    assert tuple(sheet[0, sheet.shape[1] // 2]) == (120, 120, 120)


def test_sheets_show_each_group_that_there_is() -> None:
    samples = synthetic_samples(np.random.default_rng(1), 40, 24)
    chosen = sheets(samples)
    assert set(chosen) >= {"hits", "no hits", "nuisance moving edge"}
    assert samples.label[chosen["hits"]].all()
    assert "faint hits" not in chosen


def test_page_is_complete_in_itself(tmp_path: Path) -> None:
    dataset = write_synthetic(tmp_path / "a<b", crop_size=24, splits=(("train", 16),))
    text, counted = page(dataset)
    assert counted.samples == 16
    assert "a&lt;b" in text
    assert "data:image/png;base64," in text
    assert 'src="http' not in text

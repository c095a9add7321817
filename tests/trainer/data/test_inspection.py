import base64
import re
from pathlib import Path

import cv2
import numpy as np
from synthetic_data import synthetic_samples, write_synthetic

from edge.pages.page import MAX_PAGE_BYTES, as_html
from trainer.data.inspection import contact_sheet, sheets, statistics
from trainer.data.inspection_page import page


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
    made, counted = page(dataset)
    text = as_html(made)
    assert counted.samples == 16
    assert "a&lt;b" in text
    assert "data:image/png;base64," in text
    assert 'src="http' not in text


def test_page_marks_the_hit_and_speaks_in_words(tmp_path: Path) -> None:
    dataset = write_synthetic(tmp_path / "data", crop_size=24, splits=(("train", 64), ("test", 32)))
    text = as_html(page(dataset)[0])
    assert "Light that the hit adds, grey levels" in text
    assert "disturbance: moving edge" in text
    assert not re.search(r"\b(added_dn|background_dn|motion_dn|jpeg_quality)\b", text)
    pictures = [decoded(source) for source in re.findall(r'<img src="([^"]*)" alt="[^"]*with a hit"', text)]
    assert pictures
    assert all(marked(picture) for picture in pictures)
    assert not any(marked(decoded(source)) for source in re.findall(r'<img src="([^"]*)" alt="[^"]*without a', text))


def test_page_of_noise_stays_below_3_mb(tmp_path: Path) -> None:
    dataset = write_synthetic(tmp_path / "data", crop_size=96, splits=(("train", 400),))
    assert len(as_html(page(dataset)[0])) < MAX_PAGE_BYTES / 4


def decoded(source: str) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(base64.b64decode(source.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)


def marked(picture: np.ndarray) -> bool:
    """Whether the second of four tiles has corners in the colour of the marks."""
    tile = picture[:, 140:276].astype(int)
    return int((np.abs(tile - (44, 90, 255)).max(axis=-1) < 30).sum()) > 100

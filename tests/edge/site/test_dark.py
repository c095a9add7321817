from datetime import datetime, timezone

import numpy as np
import pytest

from edge.capture.frame import Frame, triples
from edge.capture.source import open_source
from edge.site.dark import DarkMeter, LightLeakError, wait_for_lens

UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)


def frames_of(greys):
    return [Frame(number, number / 25, UTC, grey) for number, grey in enumerate(greys)]


def measured(greys):
    meter = DarkMeter()
    for triple in triples(frames_of(greys)):
        meter.observe(triple)
    return meter.result()


def noise(count, level=3.0, sigma=1.5, seed=1):
    rng = np.random.default_rng(seed)
    return np.clip(level + rng.normal(0, sigma, (count, 64, 96)), 0, 255).round().astype(np.uint8)


def test_dark_meter_finds_hot_and_blinking_pixels(films):
    meter = DarkMeter()
    with open_source(films / "dark.avi") as source:
        for triple in triples(source):
            meter.observe(triple)
    found = meter.result()
    assert (31, 44) in found.hot_pixels
    assert (100, 61) in found.hot_pixels
    assert len(found.hot_pixels) < 20


def test_dark_meter_measures_noise_of_blocks():
    greys = noise(40)
    greys[:, :32] = noise(40, level=12, sigma=4.0, seed=2)[:, :32]
    found = measured(greys)
    assert found.sigma_dn.shape == (8, 12)
    assert np.median(found.sigma_dn[:4]) == pytest.approx(4.0, abs=0.4)
    assert np.median(found.sigma_dn[4:]) == pytest.approx(1.6, abs=0.3)
    assert found.mean_dn == pytest.approx(7.5, abs=0.3)


def test_dark_meter_keeps_single_hits_out_of_hot_pixels():
    greys = noise(40)
    greys[10, 20:22, 30:32] = 120
    found = measured(greys)
    assert not found.hot_pixels
    assert found.maxima[100:].sum() == 1


def test_threshold_keeps_to_the_target_share():
    found = measured(noise(202, sigma=2.0))
    for share in (0.3, 0.05, 0.01):
        threshold = found.threshold_dn(share)
        assert found.maxima[threshold:].sum() <= share * found.frames
        assert found.maxima[threshold - 1 :].sum() > share * found.frames


def test_threshold_counts_a_flash_as_the_highest_spike():
    greys = noise(20)
    greys[7] = 255
    found = measured(greys)
    assert found.maxima[255] == 1
    assert found.threshold_dn(0.1) < 20


def test_dark_meter_refuses_light():
    with pytest.raises(LightLeakError, match="mean grey of 60"):
        measured(noise(10, level=60))


def test_dark_meter_needs_a_frame():
    with pytest.raises(ValueError, match="no frame"):
        DarkMeter().result()


@pytest.mark.parametrize(("covered", "expected"), [(True, 10), (False, 0)])
def test_wait_for_lens_reads_up_to_the_change(covered, expected):
    frames = iter(frames_of([*noise(10, level=60), *noise(10)]))
    assert wait_for_lens(frames, covered=covered, patience_s=5)
    assert next(frames).sequence == expected + 1


def test_wait_for_lens_ends_with_its_patience():
    frames = iter(frames_of(noise(100, level=60)))
    assert not wait_for_lens(frames, covered=True, patience_s=1)
    assert next(frames).sequence == 26

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given

from trainer.filming.fusion import fuse_light, fuse_max
from trainer.sensor.tone import to_linear

pictures = hnp.arrays(np.uint8, (3, 4, 3))


@given(pictures, pictures)
def test_fuse_max_follows_equations_1_and_2(f1: np.ndarray, f2: np.ndarray) -> None:
    fused = fuse_max(f1, f2)
    for place in np.ndindex(f1.shape):
        w1 = 1 if f1[place] >= f2[place] else 0
        w2 = 1 - w1
        assert fused[place] == w1 * int(f1[place]) + w2 * int(f2[place])


@given(pictures, pictures)
def test_fuse_light_adds_light(blotches: np.ndarray, monitoring: np.ndarray) -> None:
    levels = monitoring.astype(np.float32)
    fused = fuse_light(blotches, levels)
    assert (fused >= levels - 0.02).all()
    assert (fused <= 255).all()
    expected = np.minimum(to_linear(levels) + to_linear(blotches.astype(np.float32)), 1)
    assert np.allclose(to_linear(fused), expected, atol=1e-4)


@given(pictures)
def test_fuse_leaves_the_picture_where_there_is_no_blotch(monitoring: np.ndarray) -> None:
    levels = monitoring.astype(np.float32)
    assert np.array_equal(fuse_light(np.zeros_like(monitoring), levels), levels)
    assert np.array_equal(fuse_max(np.zeros_like(monitoring), monitoring), monitoring)

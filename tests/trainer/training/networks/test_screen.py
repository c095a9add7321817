import numpy as np

from trainer.training.networks.screen import screen


def test_screen_is_small_and_has_two_logits() -> None:
    model = screen()
    assert model.count_params() < 40_000
    assert np.asarray(model(np.zeros((4, 25, 25, 3), np.float32))).shape == (4, 2)


def test_screen_depends_on_the_place_in_the_patch() -> None:
    model = screen()
    middle, corner = np.zeros((2, 1, 25, 25, 3), np.float32)
    middle[:, 12, 12] = 5
    corner[:, 2, 2] = 5
    assert np.abs(np.asarray(model(middle)) - np.asarray(model(corner))).max() > 1e-6

import keras
import numpy as np
import pytest

from trainer.paper.sizes import OURS, SIZES, Stage
from trainer.paper.stages import Reporter, minutes
from trainer.training.fit_progress import FitProgress
from trainer.training.networks.layers import LocalResponseNormalisation


@pytest.mark.parametrize("name", SIZES)
def test_stages_follow_one_another(name) -> None:
    size = SIZES[name]
    names = [stage.name for stage in size.stages]
    assert len(set(names)) == len(names)
    for stage in size.stages:
        assert stage.crop_size in size.covered
        assert stage.starts_from is None or names.index(stage.starts_from) < names.index(stage.name)
        assert stage.samples // stage.epochs >= size.batch_size
    assert {stage.network for stage in size.judged} == {"alexnet_paper", OURS, "resnet", "googlenet"}
    assert all(stage.crop_size == size.crop_size and not stage.darkness for stage in size.judged)


def test_cpu_size_trains_as_long_as_was_agreed() -> None:
    samples = {}
    for stage in SIZES["cpu"].stages:
        samples.setdefault(stage.network, {}).setdefault(stage.crop_size, []).append(stage.samples)
    assert sum(samples["alexnet_paper"][96]) == 100_000
    assert sum(samples["alexnet_paper"][224]) >= 200_000
    assert all(sum(map(sum, samples[name].values())) >= 100_000 for name in ("resnet", "googlenet"))


def test_reporter_says_the_speed_and_the_time_left(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("trainer.paper.stages.time.monotonic", lambda: now[0])
    said: list[str] = []
    report = Reporter(Stage("resnet", 96, 12_800, 1, 1e-3), 128, said.append)
    for done, at in ((1, 0.0), (2, 10.0), (11, 100.0), (12, 110.0), (100, 1000.0)):
        now[0] = at
        report(FitProgress(epoch=1, epochs=1, done=done, total=100))
    assert said[0] == "resnet at 96 px: 1,408 of 12,800 samples, 13/s, 15 min left"
    assert said[1].startswith("resnet at 96 px: 12,800 of 12,800 samples")
    assert len(said) == 2


@pytest.mark.parametrize(("seconds", "words"), [(10, "0 min"), (89 * 60, "89 min"), (9000, "2 h 30 min")])
def test_minutes_are_written_in_words(seconds, words) -> None:
    assert minutes(seconds) == words


def test_normalisation_in_bfloat16_is_that_in_float32() -> None:
    maps = np.random.default_rng(1).normal(0, 30, (2, 5, 5, 48)).astype(np.float32)
    exact = np.asarray(LocalResponseNormalisation()(maps))
    rough = LocalResponseNormalisation(dtype="mixed_bfloat16")(maps)
    assert keras.backend.standardize_dtype(rough.dtype) == "bfloat16"
    np.testing.assert_allclose(np.asarray(keras.ops.cast(rough, "float32")), exact, rtol=0.02, atol=0.02)

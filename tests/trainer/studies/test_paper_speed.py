import keras
import numpy as np

from trainer.commands.cli import main
from trainer.studies import paper_speed
from trainer.studies.paper_speed import PowerNormalisation, as_markdown, time_training
from trainer.training.networks.layers import LocalResponseNormalisation


def test_power_normalisation_is_the_same_normalisation() -> None:
    maps = np.random.default_rng(1).normal(0, 30, (2, 3, 3, 7)).astype(np.float32)
    ours, theirs = LocalResponseNormalisation()(maps), PowerNormalisation()(maps)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5)


def test_with_power_replaces_the_normalisation_only() -> None:
    image = keras.Input((8, 8, 6))
    model = keras.Model(image, LocalResponseNormalisation(name="norm")(keras.layers.Conv2D(6, 3, name="conv")(image)))
    cloned = keras.models.clone_model(model, clone_function=paper_speed._with_power)
    assert isinstance(cloned.get_layer("norm"), PowerNormalisation)
    assert [layer.name for layer in cloned.layers[1:]] == ["conv", "norm"]


def test_times_are_of_each_way_and_of_fusion(monkeypatch) -> None:
    monkeypatch.setattr(paper_speed, "WAYS", {"screen": (paper_speed._Way("float32", "float32", 8),)})
    rows = time_training(["screen"], 64)
    assert [(row.network, row.way) for row in rows] == [
        ("screen", "float32"),
        ("fusion", "of 128 crops"),
        ("fusion", "scaling of 128 crops"),
    ]
    assert all(row.crops_s > 0 and row.processor_ms > 0 for row in rows)
    assert as_markdown(rows).count("\n") == 4
    assert keras.mixed_precision.dtype_policy().name == "float32"


def test_command_refuses_a_network_without_ways(command) -> None:
    ended = command(main, "study", "paper-speed", "--network", "alexnet")
    assert ended.code == 2
    assert "alexnet_paper" in ended.err

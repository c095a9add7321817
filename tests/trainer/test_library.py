"""The public face of `trainer`: a film and a training by one function each, as the commands make them."""

import pytest
from synthetic_data import write_synthetic

import trainer
from edge.errors import InputError
from trainer.commands.cli import main
from trainer.errors import DatasetError, FilmError, NetworkError, OptionError, RunError, SensorError

SMALL = {"epochs": 1, "batch_size": 16, "steps_per_epoch": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_synthetic(tmp_path_factory.mktemp("library") / "data", crop_size=32)


def test_film_makes_the_same_bytes_as_the_command(command, tmp_path):
    made = trainer.film(tmp_path / "own.avi", size=(160, 120), seconds=0.2, dose_rate_usv_h=100_000, seed=3)
    options = ("--size", "160x120", "--seconds", "0.2", "--dose-rate", "100000", "--seed", "3")
    ended = command(main, "film", tmp_path / "other.avi", *options, "--json")
    assert ended.code == 0, ended.err
    assert (made.frames, made.hits) == (ended.json["frames"], ended.json["hits"])
    for ending in (".avi", ".jsonl"):
        assert made.clip.with_suffix(ending).read_bytes() == (tmp_path / "other").with_suffix(ending).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"camera": "ov27"}, SensorError),
        ({"camera": 5}, InputError),
        ({"nuclide": "Tc-98m"}, SensorError),
        ({"scene": "missing.mp4"}, SensorError),
        ({"nuisances": ["sunn"]}, OptionError),
        ({"out": "missing/clip.avi"}, SensorError),
        ({"seconds": 0}, SensorError),
    ],
)
def test_film_refuses_what_it_cannot_use(arguments, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error):
        trainer.film(**{"out": "clip.avi", "size": (160, 120), **arguments})
    assert not list(tmp_path.iterdir())


def test_film_leaves_another_film_alone(tmp_path):
    (tmp_path / "clip.avi").write_bytes(b"of somebody else")
    with pytest.raises(FilmError):
        trainer.film(tmp_path / "clip.avi", size=(160, 120), seconds=0.1)


def test_fit_trains_and_reports_each_step(data, tmp_path):
    steps = []
    run = trainer.fit(
        str(tmp_path / "run"),
        data.path,
        network="screen",
        crop_size=17,
        settings=trainer.FitSettings(**SMALL | {"epochs": 2}),
        progress=steps.append,
    )
    assert len(run.log()) == 2
    assert [(step.epoch, step.done, step.total) for step in steps] == [
        (1, 1, 4),
        (1, 2, 4),
        (1, 2, 4),
        (2, 3, 4),
        (2, 4, 4),
        (2, 4, 4),
    ]
    assert steps[0].validation_loss is None
    assert [step.validation_loss for step in (steps[2], steps[5])] == [
        pytest.approx(line["val_loss"], abs=1e-5) for line in run.log()
    ]
    assert steps[5].best_loss == min(step.validation_loss for step in (steps[2], steps[5]))
    assert all(step.loss > 0 for step in steps)


def other_run(tmp_path, data):
    """A run folder that holds another training."""
    trainer.fit(tmp_path / "run", data, network="screen", crop_size=17, seed=2, settings=trainer.FitSettings(**SMALL))
    return {}


def without_validation(tmp_path, _data):
    return {"data": write_synthetic(tmp_path / "short", crop_size=32, splits=(("train", 8),))}


@pytest.mark.parametrize(
    "case",
    [
        ({"network": "alexnet"}, NetworkError, "no network 'alexnet'"),
        ({"options": {"width": "wide"}}, NetworkError, "expected a number"),
        ({"crop_size": 8}, NetworkError, "crop_size"),
        ({"planes": "compensated", "network": "resnet", "crop_size": 25}, NetworkError, "takes 3 planes"),
        ({"crop_size": 64}, DatasetError, "too small"),
        ({"data": "missing"}, DatasetError, "is missing"),
        (without_validation, DatasetError, "no validation split"),
        (lambda _, data: {"data": [data, data]}, DatasetError, "named twice"),
        ({"settings": trainer.FitSettings(batch_size=9, devices=2)}, RunError, "evenly"),
        ({"settings": trainer.FitSettings(start_from="missing")}, RunError, "run.json is missing"),
        (other_run, RunError, "seed differ"),
    ],
    ids=lambda case: case[2].replace(" ", "-"),
)
def test_fit_refuses_before_it_reads_a_sample(data, tmp_path, monkeypatch, case):
    arguments, error, said = case
    given = arguments(tmp_path, data) if callable(arguments) else arguments
    monkeypatch.setattr(trainer.Dataset, "parts", None)  # whoever reads a sample calls it
    with pytest.raises(error, match=said):
        trainer.fit(
            **{
                "run": tmp_path / "run",
                "data": data,
                "network": "screen",
                "crop_size": 17,
                "settings": trainer.FitSettings(**SMALL),
                **given,
            }
        )

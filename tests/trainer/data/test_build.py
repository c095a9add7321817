import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.detect.crops import network_input
from trainer.data.build import Recipe, build, region_size, shard_samples
from trainer.data.dataset import Dataset, Samples
from trainer.errors import DatasetError
from trainer.filming.nuisances import NUISANCES
from trainer.scenes.footage import require_footage

RECIPE = Recipe("training", 64, 48, 3, radiations=("Am-241",), hits_a_kind=300, nuisance_share=0.4)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return shard_samples(replace(RECIPE, crops=128), 0)


def test_shard_samples_are_half_of_each_label(samples: Samples) -> None:
    assert len(samples) == 128
    assert samples.label.sum() == 64
    assert samples.greys.shape == (128, 48, 48, 3)


def test_shard_samples_labels_agree_with_their_truth(samples: Samples) -> None:
    for strata, label, spot in zip(samples.strata, samples.label, samples.spot, strict=True):
        assert bool(strata["hits"]) == bool(label)
        assert (strata["added_dn"] is not None) == bool(label)
        if label:
            boxes = [hit["box"] for hit in strata["hits"]]
            assert any(x0 - 2 <= spot[0] <= x1 + 2 and y0 - 2 <= spot[1] <= y1 + 2 for x0, y0, x1, y1 in boxes)
            assert any(hit["added_dn"] == strata["added_dn"] for hit in strata["hits"])


def test_shard_samples_show_hits_in_the_middle_frame_only(samples: Samples) -> None:
    bright = (samples.label == 1) & (samples.column("added_dn") > 40) & (samples.column("motion_dn") < 3)
    assert bright.sum() >= 4
    for i in np.flatnonzero(bright):
        x, y = samples.spot[i]
        previous, current, following = (int(v) for v in samples.greys[i, y, x])
        assert current > max(previous, following) + 12, samples.strata[i]


def test_shard_samples_suit_every_layout_of_planes(samples: Samples) -> None:
    for planes in ("rgb", "temporal", "spike"):
        assert network_input(planes, samples.greys, samples.bgr).shape == samples.greys.shape


def test_shard_samples_strata_are_complete(samples: Samples) -> None:
    for strata in samples.strata:
        assert strata["split"] == "train"
        assert strata["scene"].startswith("generated-train-")
        assert strata["nuisance"] in (None, *NUISANCES)
        assert strata["fusion"] == ("max" if strata["way"] == "max" else "charge")
        assert strata["stratum"] in ("negative", "faint", "visible", "bright")
    assert {strata["way"] for strata in samples.strata} >= {"sensor", "picture"}


def test_build_bytes_do_not_depend_on_processes(tmp_path: Path) -> None:
    recipe = replace(RECIPE, crops=32, max_a_shard=16)
    build(tmp_path / "one", recipe, workers=1)
    build(tmp_path / "two", recipe, workers=2)
    files = sorted(file.relative_to(tmp_path / "one") for file in (tmp_path / "one").rglob("*") if file.is_file())
    assert len(files) == 3
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
    other = build(tmp_path / "other", replace(recipe, seed=4), workers=1)
    assert other.sha256 != Dataset.open(tmp_path / "one").sha256


def test_build_goes_on_after_a_kill_to_the_same_bytes(tmp_path: Path) -> None:
    program = tmp_path / "program.py"  # a file: spawned workers import it again
    program.write_text(
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from trainer.data.build import Recipe, build\n"
        "if __name__ == '__main__':\n"
        "    recipe = Recipe('training', 96, 48, 3, radiations=('Am-241',), hits_a_kind=300, max_a_shard=8)\n"
        "    build(Path(sys.argv[1]), recipe, workers=2)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def start(folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(program), str(folder)], env=environment, stdout=subprocess.PIPE)

    first = start(tmp_path / "killed")
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "killed").glob("shards/*.npz"))) < 2:
        assert time.monotonic() < deadline
        assert first.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()  # the output ends with the last of its workers
    assert not Dataset.open(tmp_path / "killed").index.complete
    for folder in ("killed", "unbroken"):
        again = start(tmp_path / folder)
        again.communicate()
        assert again.returncode == 0
    names = [file.name for file in (tmp_path / "unbroken" / "shards").iterdir()]
    assert len(names) == 12
    for name in [f"shards/{name}" for name in names] + ["dataset.json"]:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "unbroken" / name).read_bytes(), name


def test_build_grows_to_the_bytes_of_a_whole_build(tmp_path: Path) -> None:
    recipe = replace(RECIPE, crops=20, max_a_shard=8)  # two whole shards and one of 4
    build(tmp_path / "grown", recipe, workers=1)
    kept = (tmp_path / "grown" / "shards" / "00001.npz").stat()
    grown = build(tmp_path / "grown", replace(recipe, crops=36), workers=1)
    whole = build(tmp_path / "whole", replace(recipe, crops=36), workers=1)
    assert grown.count() == whole.count() == (36, 18)
    for file in sorted(file.relative_to(whole.path) for file in whole.path.rglob("*") if file.is_file()):
        assert (grown.path / file).read_bytes() == (whole.path / file).read_bytes(), file
    after = (tmp_path / "grown" / "shards" / "00001.npz").stat()
    assert (kept.st_ino, kept.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)  # it was not made again
    with pytest.raises(DatasetError, match="begun with 36 crops; give --crops 36 or more"):
        build(tmp_path / "grown", recipe, workers=1)


def test_build_refuses_another_recipe(tmp_path: Path) -> None:
    small = replace(RECIPE, crops=16)
    build(tmp_path / "set", small, workers=1)
    with pytest.raises(DatasetError, match=r"other options \(fusion, nuisances differ\)"):
        build(tmp_path / "set", replace(small, fusion="max", nuisances=()), workers=1)


@pytest.mark.parametrize("crop_size", [32, 64, 65, 224])
def test_region_size_is_even_and_several_crops_wide(crop_size: int) -> None:
    size = region_size(crop_size)
    assert size % 2 == 0
    assert size >= 2 * crop_size


@pytest.mark.parametrize(("kind", "crops", "splits"), [("training", 2048, 2), ("training", 1536, 1), ("test", 512, 1)])
def test_split_sizes_count_whole_shards(kind: str, crops: int, splits: int) -> None:
    recipe = replace(RECIPE, kind=kind, crops=crops, crop_size=64)
    sizes = recipe.split_sizes()
    assert len(sizes) == splits
    assert sum(sizes.values()) == crops
    assert recipe.min_crops == (512 if kind == "test" else 2048)


def test_split_of_keeps_three_quarters_for_training() -> None:
    recipe = replace(RECIPE, crops=512 * 20, crop_size=64)
    splits = [recipe.split_of(i) for i in range(len(recipe.shard_sizes()))]
    assert splits.count("validation") * 3 == splits.count("train")
    assert {replace(recipe, kind="test").split_of(i) for i in range(8)} == {"test"}


def test_shard_samples_of_a_test_mixture() -> None:
    mixture = shard_samples(replace(RECIPE, kind="test", crops=40, nuisance_share=0.0), 0)
    assert set(mixture.column("split")) == {"test"}
    assert all(strata["scene"].startswith("generated-test-") for strata in mixture.strata)
    for label in (0, 1):
        of_label = mixture.take(mixture.label == label)
        assert (of_label.column("motion_dn") > 10).mean() >= 0.3
    hits = mixture.take(mixture.label == 1)
    assert (hits.column("stratum") == "visible").mean() >= 0.3
    assert (hits.column("stratum") == "faint").any()


def test_shard_samples_refuse_footage_without_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((80, 80, 3), 255, np.uint8))
    monkeypatch.setattr("trainer.data.build._MAX_SHOTS_IN_VAIN", 2)
    white = replace(RECIPE, kind="test", footage=tuple(require_footage([tmp_path])), footage_share=1.0, nuisances=())
    with pytest.raises(DatasetError, match="3 shots in a row gave none"):
        shard_samples(white, 0)

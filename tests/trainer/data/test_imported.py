from pathlib import Path

import numpy as np
import pytest

from trainer.data.imported import ImportOptions, build_imported
from trainer.data.recordings import import_recordings
from trainer.errors import DatasetError


@pytest.mark.parametrize("fusion", ["max", "charge"])
def test_build_imported_makes_a_dataset(paper: Path, tmp_path: Path, fusion: str) -> None:
    options = ImportOptions(24, 64, "max" if fusion == "max" else "charge", 1)
    dataset = build_imported(tmp_path / "set", import_recordings(paper), options)
    samples = dataset.samples()
    assert samples.label.sum() == 12
    assert dataset.count("validation")[0] == 6
    train, validation = (set(dataset.samples(split).column("scene")) for split in ("train", "validation"))
    assert train
    assert not train & validation
    for strata, label in zip(samples.strata, samples.label, strict=True):
        assert strata["contaminated"] == (not label)
        assert strata["recording"] in ({"one", "two", "film.avi"} if label else {"one", "two"})
    assert np.median(samples.column("added_dn")[samples.label == 1]) > 5


def test_build_imported_refuses_a_single_scene(paper: Path, tmp_path: Path) -> None:
    (paper / "B" / "1.avi").unlink()
    with pytest.raises(DatasetError, match="one recording only"):
        build_imported(tmp_path / "set", import_recordings(paper), ImportOptions(24, 64, "max", 1))

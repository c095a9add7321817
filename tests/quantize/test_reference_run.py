"""The copy of a run to ship has the same network and always the same bytes, and names no folder of its maker."""

import json
import zipfile

import numpy as np
from typer.testing import CliRunner

from quantize.commands import app
from quantize.reference_run import export_reference, size_bytes
from trainer.training.run import Run


def test_export_keeps_the_network_and_drops_folders(tiny, tmp_path):
    began = tiny.run.manifest.fit.model_copy(update={"start_from": "/home/ann/runs/before sha256:12"})
    elsewhere = tiny.run.manifest.model_copy(
        update={
            "command": "gammabox-trainer fit /home/ann/runs/one",
            "figures": {"data": {"/home/ann/data": "0"}},
            "fit": began,
            "members": ("/home/ann/runs/two sha256:34", "three sha256:56"),
        }
    )
    copy = export_reference(Run(tiny.run.path, elsewhere), tmp_path / "copy")
    opened = Run.open(copy.path)
    assert opened.manifest.decision == tiny.run.manifest.decision
    assert opened.manifest.data.sha256 == tiny.run.manifest.data.sha256
    assert "/" not in "".join(opened.manifest.data.paths)
    assert opened.manifest.command == "gammabox-trainer fit one"
    assert opened.manifest.fit.start_from == "before sha256:12"
    assert opened.manifest.members == ("two sha256:34", "three sha256:56")
    assert "/home" not in opened.manifest.model_dump_json()
    for copied, wanted in zip(opened.load_model().get_weights(), tiny.run.load_model().get_weights(), strict=True):
        assert np.array_equal(copied, wanted)


def test_export_of_the_same_run_has_the_same_bytes(tiny, tmp_path):
    copies = [export_reference(tiny.run, tmp_path / name).path for name in ("one", "two")]
    for file in ("run.json", "best.keras"):
        assert (copies[0] / file).read_bytes() == (copies[1] / file).read_bytes()
    with zipfile.ZipFile(copies[0] / "best.keras") as archive:
        assert "optimizer" not in archive.read("config.json").decode()
        assert json.loads(archive.read("metadata.json"))["date_saved"] == tiny.run.manifest.created_utc


def test_reference_command_prints_path_and_size(tiny, tmp_path):
    out = tmp_path / "copy"
    ran = CliRunner().invoke(app, ["reference", str(tiny.run.path), "--out", str(out), "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout) == {"path": str(out), "size_bytes": size_bytes(Run.open(out))}

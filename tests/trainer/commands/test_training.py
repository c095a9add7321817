"""What `gammabox-trainer fit` refuses before it trains."""

from synthetic_data import write_synthetic

from trainer.commands.cli import main


def test_fit_command_refuses_small_crops_of_compensated_planes(command, tmp_path) -> None:
    data = write_synthetic(tmp_path / "data", crop_size=48, splits=(("train", 4), ("validation", 4))).path
    words = ("fit", tmp_path / "run", "--data", data, "--planes", "compensated", "--crop-size", "22")
    assert command(main, *words).refused("--crop-size 22: compensated planes need crops of at least 23 pixels")
    assert not (tmp_path / "run").exists()

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from avi_file import avi

from trainer.errors import DatasetError
from trainer.scenes.footage import probe, read_all, read_run, require_footage, split_footage


def write_pictures(folder: Path, count: int, size: tuple[int, int] = (96, 80), seed: int = 1) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        cv2.imwrite(str(folder / f"{i:03d}.png"), rng.integers(0, 255, (size[1], size[0], 3), np.uint8))
    return folder


def write_video(path: Path, count: int, seed: int = 1) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*"MJPG"), 10, (96, 80))
    for i in range(count):
        writer.write(np.full((80, 96, 3), 10 * i + seed, np.uint8))
    writer.release()
    return path


def test_probe_finds_videos_and_picture_folders(tmp_path: Path) -> None:
    write_video(tmp_path / "one.avi", 12)
    write_pictures(tmp_path / "two", 4)
    used, refused = probe([tmp_path])
    assert {(footage.path.name, footage.kind, footage.frames) for footage in used} == {
        ("one.avi", "video", 12),
        ("two", "pictures", 4),
    }
    assert refused == []


def test_read_run_from_anywhere_with_any_stride(tmp_path: Path) -> None:
    [video] = require_footage([write_video(tmp_path / "one.avi", 12)])
    assert [round(frame.mean() / 10) for frame in read_run(video, 4, 3, 2)] == [4, 6, 8]
    [pictures] = require_footage([write_pictures(tmp_path / "two", 5)])
    assert len(read_run(pictures, 3, 3)) == 2


def test_probe_names_what_it_refuses_with_the_reason(tmp_path: Path) -> None:
    write_video(tmp_path / "good.avi", 5)
    (tmp_path / "same.avi").write_bytes((tmp_path / "good.avi").read_bytes())
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    write_video(tmp_path / "short.avi", 2)
    write_pictures(tmp_path / "small", 4, (32, 32))
    write_pictures(tmp_path / "gap", 4)
    (tmp_path / "gap" / "001.png").write_bytes(b"")
    mixed = write_pictures(tmp_path / "mixed", 3)
    cv2.imwrite(str(mixed / "9.png"), np.zeros((10, 20, 3), np.uint8))
    used, refused = probe([tmp_path, tmp_path / "away.mp4"])
    assert len(used) == 1
    reasons = {refusal.path.name: refusal.reason for refusal in refused}
    assert "the same recording" in reasons.pop("same.avi" if used[0].path.name == "good.avi" else "good.avi")
    assert "no video" in reasons.pop("broken.mp4")
    assert "three in a row" in reasons.pop("short.avi")
    assert "at least 64" in reasons.pop("small")
    assert "001.png" in reasons.pop("gap")
    assert "different sizes" in reasons.pop("mixed")
    assert reasons.pop("away.mp4") == "does not exist"
    assert not reasons


def test_require_footage_raises_without_usable_footage(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(DatasetError, match=r"no usable footage \(broken\.mp4: is no video"):
        require_footage([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no video and no picture in it"):
        require_footage([tmp_path / "empty"])


def test_split_footage_keeps_recordings_whole(tmp_path: Path) -> None:
    recordings = require_footage([write_video(tmp_path / f"{i}.avi", 4 + i, seed=i) for i in range(5)])
    splits = split_footage(recordings)
    assert len(splits["validation"]) == 1
    assert not set(splits["train"]) & set(splits["validation"])
    assert len(splits["train"]) == 4
    assert split_footage(recordings[:1])["validation"] == []


def test_probe_keeps_the_decoder_quiet(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 5000)
    program = (
        "import sys; from pathlib import Path; from trainer.scenes.footage import probe; "
        "print(probe([Path(sys.argv[1])])[1][0].reason)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "is no video that OpenCV can decode" in done.stdout
    assert not done.stderr  # FFmpeg would write there


def test_footage_of_deep_pictures_is_scaled_by_one_depth(tmp_path: Path) -> None:
    for i in range(5):
        deep = np.full((80, 96), 16 * (10 + i), np.uint16)
        deep[0, 0] = 16 * 255 if i == 0 else 0
        cv2.imwrite(str(tmp_path / f"{i}.pgm"), deep)
    told: list[str] = []
    [pictures] = require_footage([tmp_path], told.append)
    assert [int(frame[5, 5, 0]) for frame in read_run(pictures, 0, 5)] == [10, 11, 12, 13, 14]
    assert "use 12 of them, which are scaled to 8" in told[0]


def test_footage_in_numbered_pictures_is_in_natural_order(tmp_path: Path) -> None:
    for i in range(1, 13):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((80, 96, 3), 20 * i, np.uint8))
    [pictures] = require_footage([tmp_path])
    assert [int(frame[0, 0, 0]) // 20 for frame in read_run(pictures, 0, 12)] == list(range(1, 13))


def test_footage_with_a_damaged_jpeg_is_refused(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (80, 96, 3)).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    for i in range(4):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg[: len(jpeg) // 2] if i == 2 else jpeg)
    with pytest.raises(DatasetError, match=r"2\.jpg is cut short or cannot be decoded"):
        require_footage([tmp_path])


def test_footage_of_several_streams_is_remarked_on(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((80, 96, 3), np.uint8))[1].tobytes()
    (tmp_path / "two.avi").write_bytes(avi([jpeg] * 5, 10, streams=2))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    told: list[str] = []
    require_footage([tmp_path], told.append)
    assert [words.partition(": ")[2] for words in told] == [
        "not used: is no video that OpenCV can decode",
        "holds 2 streams of pictures, of which only the first is read",
    ]


def test_read_all_of_a_video_with_empty_chunks_repeats_nothing(tmp_path: Path) -> None:
    jpegs = [cv2.imencode(".jpg", np.full((80, 96, 3), 8 * i, np.uint8))[1].tobytes() for i in range(20)]
    (tmp_path / "half.avi").write_bytes(avi([packet for jpeg in jpegs for packet in (jpeg, b"")], 60))
    [video] = require_footage([tmp_path])
    assert [round(frame.mean() / 8) for frame in read_all(video.path)] == list(range(20))

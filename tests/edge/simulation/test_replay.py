import json

import numpy as np
import pytest

from edge.errors import SourceError
from edge.simulation.hit_train import HitTrain
from edge.simulation.replay import Recording, read_recording


def recording(times_s, seconds, block_s):
    times_s = np.array(times_s, float)
    return Recording(HitTrain(times_s, np.stack([times_s, times_s], 1).astype(np.int64)), seconds, block_s)


def test_replay_keeps_the_rate_and_the_bursts():
    bursts = [start + step / 10 for start in range(5, 600, 60) for step in range(6)]
    recorded = recording(bursts, 600.0, 120.0)
    drawn = recorded.draw(np.random.default_rng(1), 1000.0, 60_000.0)
    assert len(drawn) / 60_000 == pytest.approx(recorded.rate_hz, rel=0.05)
    assert (np.diff(drawn.times_s) >= 0).all()
    assert 1000 <= drawn.times_s[0] < drawn.times_s[-1] < 61_000
    counts = np.bincount((drawn.times_s - 1000).astype(int), minlength=60_000)
    assert counts.var() / counts.mean() > 4
    # Within a block, hits keep their places.
    assert set(drawn.places[:, 0].tolist()) <= set(recorded.hits.places[:, 0].tolist())


def test_replay_of_a_recording_shorter_than_a_block():
    drawn = recording([1.0, 2.0], 10.0, 60.0).draw(np.random.default_rng(1), 0.0, 95.0)
    assert 16 <= len(drawn) <= 20


def written(path, *events):
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return path


def hit(time_s, *, live=True, x=7):
    return {"type": "hit", "frame": 1, "time_s": time_s, "x": x, "y": 8, "score": 0.9, "live": live}


def test_read_recording_takes_live_hits_and_the_last_time(tmp_path):
    alarm = {"type": "alarm", "state": "raised", "time_s": 50.0}
    path = written(tmp_path / "events.jsonl", hit(3.0), hit(4.0, live=False), hit(2.0, x=9), alarm)
    read = read_recording(path, None, 60.0)
    assert read.hits.times_s.tolist() == [2.0, 3.0]
    assert read.hits.places.tolist() == [[9, 8], [7, 8]]
    assert read.seconds == pytest.approx(50, abs=0.01)
    assert read_recording(path, 200.0, 60.0).rate_hz == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no hits"),
        ('{"type": "hit", "time_s": 1, "live": false}\n', "holds no hits"),
        ("no JSON\n", "is no events file"),
        ("[1]\n", "is no events file"),
        ('{"type": "hit", "time_s": null}\n', "is no events file"),
    ],
)
def test_read_recording_refuses_what_it_cannot_use(tmp_path, text, words):
    path = tmp_path / "events.jsonl"
    path.write_text(text)
    with pytest.raises(SourceError, match=words):
        read_recording(path, None, 60.0)


def test_read_recording_names_a_missing_file(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        read_recording(tmp_path / "none.jsonl", None, 60.0)

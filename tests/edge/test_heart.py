"""The heartbeat tells the updater of frames, light and broker, and never ends the agent."""

import pytest

from edge.config.device import MqttSettings
from edge.heart import FILE, Heart
from edge.pipeline import Account
from edge.updater.heartbeat import Heartbeat, read_heartbeat, write_heartbeat

BROKER = MqttSettings(host="broker.lan", port=8883)


def test_heart_tells_frames_and_light_of_the_last_seconds(tmp_path):
    heart = Heart("boot", BROKER, tmp_path)
    for second in range(41):
        dark = max(0, second - 20)
        account = Account(analysed=25 * second, live_fraction_sum=25 * (0.8 * (second - dark) + 0.1 * dark))
        heart.beat(account, {"view": "too dark"} if dark else {}, float(second), online=True)
    told = read_heartbeat(tmp_path / FILE)
    assert (told.boot_id, told.beat_s, told.frames, told.fps) == ("boot", 40.0, 1000, 25.0)
    assert (told.online, told.broker, told.faults) == (True, ("broker.lan", 8883), ("too dark",))
    assert told.live_fraction == pytest.approx(0.1)


def test_heart_of_no_service_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    Heart("boot", BROKER).beat(Account(), {}, 0.0, online=False)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    assert not list(tmp_path.iterdir())
    Heart("boot", BROKER).beat(Account(), {}, 0.0, online=False)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_heart_that_cannot_write_says_so_once(tmp_path, caplog):
    heart = Heart("boot", BROKER, tmp_path / "missing")
    for second in range(10):
        heart.beat(Account(), {}, float(second), online=False)
    assert len([line for line in caplog.messages if "heartbeat cannot be written" in line]) == 1


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"boot_id": 1}', "[" * 5000, '{"broker": [1]}', '{"beat_s": "x"}'],
)
def test_read_heartbeat_believes_nothing_that_is_none(tmp_path, text):
    path = tmp_path / "heartbeat.json"
    assert read_heartbeat(path) is None
    path.write_text(text, encoding="utf-8")
    assert read_heartbeat(path) is None


@pytest.mark.parametrize("word", ["NaN", "Infinity"])
def test_read_heartbeat_refuses_numbers_that_are_none(tmp_path, word):
    path = tmp_path / "heartbeat.json"
    write_heartbeat(path, Heartbeat("b", 1.5, 2, 3.0, None, online=True, broker=("h", 1)))
    assert read_heartbeat(path).live_fraction is None
    path.write_text(path.read_text(encoding="utf-8").replace("1.5", word), encoding="utf-8")
    assert read_heartbeat(path) is None

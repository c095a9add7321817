"""A view and an archive go on by themselves once the broker lets them read."""

import threading
import time

import pytest
import rights
from link_rig import until

from edge.config.device import MqttSettings
from edge.control_room.archive import Archive
from edge.control_room.archive_file import ArchiveFile
from edge.control_room.subscriber import Subscriber
from edge.errors import BrokerError
from edge.telemetry import subscription


@pytest.fixture
def strict(new_broker, tmp_path, monkeypatch):
    monkeypatch.setattr(subscription, "ASK_AGAIN_S", 0.2)
    return rights.strict(new_broker, tmp_path)


@rights.needed
def test_control_room_sees_boxes_once_they_are_granted(strict):
    settings = MqttSettings(host="127.0.0.1", port=strict.port)
    began_s = time.monotonic()
    with pytest.raises(BrokerError, match="gives no right to read"):
        Subscriber(settings, "docks")
    assert time.monotonic() - began_s < 8  # said at once, not after the time that an answer may take
    rights.allow_to_subscribe(strict.port, allowed=True)
    with Subscriber(settings, "docks") as subscriber:
        rights.allow_to_subscribe(strict.port, allowed=False)
        subscriber._client.reconnect()
        until(lambda: subscriber.poll(0.05) or subscriber.refusal)
        assert not subscriber.connected
        rights.allow_to_subscribe(strict.port, allowed=True)
        until(lambda: subscriber.poll(0.05) or subscriber.connected)
        assert subscriber.refusal is None


@rights.needed
def test_archive_keeps_what_comes_once_it_is_granted(strict, tmp_path, caplog):
    caplog.set_level("INFO")
    file = ArchiveFile(tmp_path / "archive.sqlite")
    archive = Archive(MqttSettings(host="127.0.0.1", port=strict.port, keepalive_s=5), file)
    stopping = threading.Event()
    thread = threading.Thread(target=archive.run, args=(stopping,))
    thread.start()
    try:
        until(lambda: "no right to read gammabox/+/+/alarm (Not authorized)" in caplog.text)
        rights.allow_to_subscribe(strict.port, allowed=True)
        until(lambda: "connected to 127.0.0.1" in caplog.text)
    finally:
        stopping.set()
        thread.join(30)
        file.close()

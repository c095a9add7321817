"""Evidence of hits: off by default, small, blurred unless that is allowed, and never in the way of an alarm."""

import base64
import json
import re
from datetime import datetime, timezone
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from analysed_frames import analysed_frame
from ruamel.yaml import YAML

from edge.alarm.condition import situation_of
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings
from edge.config.telemetry import TelemetrySettings
from edge.detect.hit import Hit
from edge.evidence import MAX_RADIUS, SIDE, evidence_of, strongest
from edge.reporting import EVIDENCE_EVERY_S, Reporter
from edge.telemetry import outbox_file
from edge.telemetry.contract import json_schemas
from edge.telemetry.messages import Evidence, MessageError, Stamp, decode_evidence, encode
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
SCENE = np.random.default_rng(1).integers(0, 2, (30, 40)).repeat(8, 0).repeat(8, 1).astype(np.uint8) * 200


def hit(x, y, added_dn=90.0, **fields):
    return Hit(x, y, 1.0, added_dn, 4, **{"live": True} | fields)


def picture(crop):
    return cv2.imdecode(np.frombuffer(base64.b64decode(crop.png), np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("place", [(0, 0), (319, 239), (100, 3), (160, 120)])
def test_crop_is_small_and_holds_the_hit(place):
    crop = evidence_of(SCENE, hit(*place), blurred=False)
    assert (crop.width, crop.height) == (SIDE, SIDE)
    assert np.array_equal(picture(crop), SCENE[crop.top : crop.top + SIDE, crop.left : crop.left + SIDE])
    assert crop.left <= place[0] < crop.left + SIDE
    assert crop.top <= place[1] < crop.top + SIDE


def test_crop_of_a_small_picture_is_the_picture():
    crop = evidence_of(SCENE[:20, :30], hit(5, 5), blurred=False)
    assert (crop.left, crop.top, crop.width, crop.height) == (0, 0, 30, 20)


@pytest.mark.parametrize("pixels", [1, 30, 5000])
def test_blurred_crop_shows_the_hit_and_nothing_of_the_scene(pixels):
    found = Hit(160, 120, 1.0, 90.0, pixels, live=True)
    crop = evidence_of(SCENE, found, blurred=True)
    seen, scene = picture(crop).astype(float), SCENE[crop.top :, crop.left :][:SIDE, :SIDE].astype(float)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(columns - (160 - crop.left), rows - (120 - crop.top))
    assert np.array_equal(seen[distance <= 2], scene[distance <= 2])
    around = distance > MAX_RADIUS
    # Neighbours differ by 200 grey levels at the edges of the scene's squares, and hardly once they are blurred.
    steps = np.abs(np.diff(seen, axis=1))[around[:, 1:] & around[:, :-1]]
    assert steps.max() <= 12
    assert np.abs(np.diff(scene, axis=1)).max() == 200


def test_strongest_hit_is_one_that_counts():
    hits = [hit(1, 1, 20.0), hit(2, 2, 50.0), hit(3, 3, 99.0, live=False), hit(4, 4, 98.0, nuisance="moves")]
    assert strongest(hits).x == 2
    assert strongest(hits[2:]) is None


@pytest.fixture
def box(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite", 1000)

    def play(*hits, seconds=1, **telemetry):
        reporter = Reporter(TelemetrySettings(**telemetry), Stamp("s", "d", "boot"), outbox)
        settings = AlarmSettings()
        tracker = AlarmTracker(settings, "gate", None)
        for number in range(25 * seconds):
            reporter.report(analysed_frame(number, NOW, SCENE, hits), situation_of(tracker, settings))
        return [each.message for each in outbox.next(1000)]

    yield play
    outbox.close()


def test_no_picture_leaves_by_default(box):
    sent = box(hit(160, 120), seconds=3)
    assert {message.topic for message in sent} == {"gammabox/s/d/alarm", "gammabox/s/d/hit"}
    assert not any(b"png" in message.payload.lower() or b"evidence/" in message.payload for message in sent)
    assert TelemetrySettings().evidence == "off"


@pytest.mark.parametrize("how", ["blurred", "sharp"])
def test_evidence_is_sent_once_a_second_and_names_its_hit(box, how):
    sent = box(hit(160, 120), hit(20, 20, 10.0), seconds=3, evidence=how)
    evidence = [message for message in sent if "/evidence/" in message.topic]
    assert len(evidence) == 3 / EVIDENCE_EVERY_S
    assert sent[-3:] == evidence  # after everything else, whatever came first
    hits = {json.loads(message.payload)["event_id"] for message in sent if message.topic.endswith("/hit")}
    for message in evidence:
        jsonschema.validate(json.loads(message.payload), json_schemas()["evidence.json"])
        found = decode_evidence(message.payload)
        assert message.topic == f"gammabox/s/d/evidence/{found.hit}"
        assert (found.hit in hits, found.x, found.y, found.blurred) == (True, 160, 120, how == "blurred")
        assert (message.retain, message.expiry_s) == (False, 3600)
        assert len(message.payload) < 6000


def test_evidence_of_hits_that_do_not_count_is_not_sent(box):
    sent = box(hit(160, 120, nuisance="moves"), hit(20, 20, live=False), evidence="sharp")
    assert not any("/evidence/" in message.topic for message in sent)


def test_evidence_is_dropped_first_and_few_of_it_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(outbox_file, "MAX_EVIDENCE", 3)
    outbox = Outbox(tmp_path / "o.sqlite", 4)
    for number in range(5):
        outbox.put(Outgoing("t", b"%d" % number, retain=False, keep="evidence", boot_id="b", expiry_s=3600))
    outbox.put(Outgoing("t", b"hit", retain=False, keep="until_full", boot_id="b"))
    outbox.put(Outgoing("t", b"alarm", retain=True, keep="always", boot_id="b"))
    assert [each.message.payload for each in outbox.next(9)] == [b"alarm", b"hit", b"3", b"4"]
    assert outbox.dropped == 3
    outbox.close()


def test_evidence_is_not_repeated_to_a_broker_that_forgot_it(tmp_path):
    outbox = Outbox(tmp_path / "o.sqlite", 4)
    outbox.put(Outgoing("t", b'{"event_id":"b-1"}', retain=False, keep="evidence", boot_id="b", expiry_s=3600))
    outbox.confirm([each.id for each in outbox.next(9)])
    outbox.repeat({})
    assert outbox.next(9) == []
    outbox.close()


def test_evidence_that_is_none_is_refused():
    with pytest.raises(MessageError, match="evidence message"):
        decode_evidence(b'{"png": "<script>"}')


def test_any_picture_survives_in_a_message():
    stamp, draw = Stamp("s", "d", "boot"), np.random.default_rng(7)
    for _ in range(300):
        noise = draw.integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
        crop = evidence_of(noise, hit(24, 24), blurred=False)
        fields = {"hit": "boot-1", "frame": 1, "x": 24, "y": 24, "left": 0, "top": 0, "width": 48, "height": 48}
        message = stamp.make(Evidence, NOW, blurred=False, png=crop.png, **fields)
        assert np.array_equal(picture(crop), noise)
        assert decode_evidence(encode(message)).png.encode() == crop.png


def test_examples_of_the_manual_are_settings_and_a_message():
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
    settings, message = re.findall(r"```(?:yaml|json)\n(.*?)```", page, re.DOTALL)
    given = YAML(typ="safe").load(settings)["telemetry"]
    assert TelemetrySettings.model_validate(given).evidence == "blurred"
    jsonschema.validate(json.loads(message), json_schemas()["evidence.json"])
    assert decode_evidence(message.encode()).blurred

"""Marks of byte order, numbers that are none, and texts that are too much, in every file that is read."""

import codecs
import json

import pytest

from edge.alarm.state import Identity, read_state
from edge.bundle import load_bundle, save_bundle
from edge.clock import SET_SINCE
from edge.config.device import MqttSettings, load_settings
from edge.errors import BrokerError, GammaboxError
from edge.files import load_json, read_text, why
from edge.simulation.replay import read_recording
from edge.site.calibration import read_calibration
from edge.telemetry.login import read_password
from edge.telemetry.messages import MessageError, decode
from edge.truth import read_truth

HIT = {"frame": 1, "x": 3, "y": 4, "added": 40.0}
EVENT = {"type": "hit", "time_s": 0.5, "x": 3, "y": 4, "live": True}


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\r\nmore", "s3cret"),
        (codecs.BOM_UTF8 + "päss\u2028wörd\n".encode(), "päss\u2028wörd"),
        (b" with blanks \n", " with blanks "),
    ],
)
def test_read_password_takes_the_first_line(tmp_path, content, password):
    (tmp_path / "password").write_bytes(content)
    assert read_password(MqttSettings(host="a", username="b", password_file=tmp_path / "password")) == password


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        ("s3cret".encode("utf-16"), "is not UTF-8"),
        (b"s3\0cret", "holds no text"),
        (b"\xe9s3cret", "is not UTF-8"),
        (b"x" * 70_000, "more than 65536 bytes"),
    ],
)
def test_read_password_shows_nothing_of_a_bad_file(tmp_path, content, said):
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(BrokerError, match=said) as caught:
        read_password(MqttSettings(host="a", username="b", password_file=tmp_path / "password"))
    assert "s3" not in str(caught.value)
    assert "byte 0x" not in str(caught.value)


def test_read_password_does_not_show_a_password_in_place_of_its_file(tmp_path):
    with pytest.raises(BrokerError) as caught:
        read_password(MqttSettings(host="a", username="b", password_file=tmp_path / "s3cret"))
    assert "s3cret" not in str(caught.value)


def test_files_with_a_mark_of_byte_order_are_read(tmp_path, tiny_manifest):
    def marked(name, text):
        (tmp_path / name).write_bytes(codecs.BOM_UTF8 + text.encode())
        return tmp_path / name

    assert len(read_truth(marked("truth.jsonl", json.dumps(HIT)))) == 1
    assert read_recording(marked("events.jsonl", json.dumps(EVENT)), 10, 1).rate_hz > 0
    marked("device.yaml", "site: a\ndevice: b\nsource: {spec: c.avi}\nmqtt: {host: d}\n")
    assert load_settings(tmp_path / "device.yaml").site == "a"
    save_bundle(tmp_path / "bundle", tiny_manifest("int8_64"), b"model")
    marked("bundle/model.json", (tmp_path / "bundle" / "model.json").read_text())
    assert load_bundle(tmp_path / "bundle").model == b"model"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_are_none_are_refused_in_every_file(tmp_path, number):
    path = tmp_path / "file"
    path.write_text(json.dumps({**EVENT, **HIT, "time_s": 0, "added": 0}).replace(": 0", f": {number}"))
    for reader in (read_truth, lambda place: read_recording(place, None, 1.0), read_calibration):
        with pytest.raises(GammaboxError) as caught:
            reader(path)
        assert "\n" not in str(caught.value)
    identity = Identity(camera="c", exposure_s=None, gain=None, width=64, height=64, model_sha256="0" * 64)
    assert "damaged" in read_state(path, identity, SET_SINCE)[1]
    with pytest.raises(MessageError):
        decode("hit", path.read_bytes())


@pytest.mark.parametrize("reader", [read_truth, lambda place: read_recording(place, None, 1.0)])
def test_numbers_of_many_digits_are_refused(tmp_path, reader):
    # Found by fuzzing: NumPy takes no such number.
    (tmp_path / "file").write_text(json.dumps({**EVENT, **HIT, "x": 10**300}))
    with pytest.raises(GammaboxError):
        reader(tmp_path / "file")


def test_load_json_refuses_what_is_nested_too_deeply():
    with pytest.raises(ValueError, match="nested too deeply"):
        load_json("[" * 100_000)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("frame"), '"frame" is missing'),
        (FileNotFoundError(2, "No such file or directory"), "no such file or directory"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "it is not UTF-8"),
        (TypeError("unsupported operand"), "a value is of another kind"),
    ],
)
def test_why_names_nothing_of_python(error, words):
    assert why(error) == words


def test_read_text_leaves_the_byte_order_mark_out(tmp_path):
    (tmp_path / "a").write_bytes(codecs.BOM_UTF8 + "ä".encode())
    assert read_text(tmp_path / "a") == "ä"

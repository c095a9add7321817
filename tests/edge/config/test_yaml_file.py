import re
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from edge.config import yaml_file
from edge.config.device import DeviceSettings
from edge.config.strict import StrictModel
from edge.errors import SettingsError


class Broker(StrictModel):
    host: str = Field(description="name of the broker")
    port: int = Field(default=1883, ge=1, le=65535)
    tls: bool = False
    pace: Literal["camera", "fast"] = "camera"
    ca_file: Path | None = None
    password: str | None = None


class Box(StrictModel):
    id: str = Field(pattern="^[a-z0-9_-]+$")


class Site(StrictModel):
    mqtt: Broker
    boxes: tuple[Box, ...] = ()
    rate: float = 1.0


@pytest.fixture
def faults_of(tmp_path):
    def faults(text):
        path = tmp_path / "site.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(SettingsError) as caught:
            yaml_file.load(path, Site)
        return [fault.removeprefix(str(path)) for fault in caught.value.faults]

    return faults


def test_load_makes_a_model_of_a_good_file(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text("# a site\nmqtt:\n  host: broker\n  ca_file: ca.pem\nboxes:\n- id: gate-1\nrate: 2\n")
    loaded = yaml_file.load(path, Site)
    assert loaded == Site(mqtt=Broker(host="broker", ca_file=Path("ca.pem")), boxes=(Box(id="gate-1"),), rate=2.0)


def test_load_lists_all_faults_in_the_order_of_the_file(faults_of):
    text = """\
mqtt:
  prot: 3
  port: "1883"
  tls: no
  pace: Fats
  password: 1234
rate: .nan
boxes:
- id: A b
- ids: 007
- 3
port: 3
mqtt: 5
"""
    assert faults_of(text) == [
        ":1: mqtt.host: is missing, expected name of the broker",
        ":2: mqtt.prot: unknown key; did you mean port?",
        ":3: mqtt.port: found the text '1883', expected a whole number; did you mean 1883, without quotes?",
        ":4: mqtt.tls: found the text 'no', expected true or false; did you mean false?",
        ":5: mqtt.pace: found the text 'Fats', expected 'camera' or 'fast'; did you mean fast?",
        ":6: mqtt.password: found the number (not shown), expected text",
        ":7: rate: found the text '.nan', expected a number",
        ":9: boxes.0.id: found the text 'A b', expected text that matches ^[a-z0-9_-]+$; did you mean a-b?",
        ":10: boxes.1.id: is missing, expected a value",
        ":10: boxes.1.ids: unknown key; did you mean id?",
        ":11: boxes.2: found the number 3, expected a block of keys",
        ":12: port: unknown key; did you mean mqtt.port?",
        ":13: mqtt: given twice, first on line 1; keep one",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ": the file is empty; write at least the settings without a default"),
        (b"mqtt:\n  host: \xff", ":2: byte 0xff is not UTF-8; save the file as UTF-8"),
        ("- 1", ":1: found a list, expected settings written as `key: value`"),
        ("word", ":1: found 'word', expected settings written as `key: value`"),
        ("mqtt:\n\thost: a\n\tport: 1", ":2: a tab in the indentation, expected spaces"),
        ("a: [1", ":1: no readable YAML: a list that begins with [ has no closing ] or lacks a comma"),
        ("mqtt: {host: a}\n---\nrate: 1", ":2: a second document (---), expected one a file"),
        ("mqtt: {host: a, port: 70000}", ":1: mqtt.port: found the number 70000, expected at most 65535"),
        ("mqtt: {host: !!str a}", ":1: a tag (!…), expected a plain value; put quotes around text that begins with !"),
        (
            "mqtt: &m {host: a}\nrate: *m",
            ":2: an alias (*…), expected the value itself; put quotes around text that begins with *",
        ),
        ("mqtt: {host: null}", ":1: mqtt.host: found nothing, expected text"),
        (
            "mqtt: {host: true}",
            ':1: mqtt.host: found the truth value true, expected text; did you mean "true", in quotes?',
        ),
        ("[" * 60, ":1: nested deeper than 24 levels"),
        (
            "mqtt: {host: \x07}",
            (
                ":1: no readable YAML: a sign that no text may hold, such as an invisible control character; "
                "write this line anew"
            ),
        ),
    ],
)
def test_load_says_where_a_fault_is_and_what_was_meant(faults_of, text, fault):
    assert fault in faults_of(text)


def test_load_names_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(SettingsError, match=re.escape(f"{tmp_path / 'no.yaml'}: no such file")):
        yaml_file.load(tmp_path / "no.yaml", Site)
    with pytest.raises(SettingsError, match="Is a directory"):
        yaml_file.load(tmp_path, Site)


@pytest.mark.parametrize(
    "word", ["no", "off", "Yes", "017", "0o17", "0x1F", "1_000", "12:30:45", "2026-01-01", "1e999"]
)
def test_load_keeps_words_of_yaml_1_1_as_text(tmp_path, word):
    path = tmp_path / "site.yaml"
    path.write_text(f"%YAML 1.1\n---\nmqtt:\n  host: {word}\n")
    assert yaml_file.load(path, Site).mqtt.host == word


def is_model_or_faults(path, model):
    try:
        return isinstance(yaml_file.load(path, model), model)
    except SettingsError as error:
        return len(error.faults) > 0


YAML_LIKE = st.lists(
    st.sampled_from(
        [*"abc:-?[]{},&*!|>%@`'\"#\n\t 019.~", "\n  ", ": ", "- ", "mqtt", "host", "boxes", "id", "<<", "\\u", "---"]
    )
    | st.characters(),
    max_size=60,
).map("".join)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=YAML_LIKE)
def test_load_turns_any_text_into_a_model_or_settings_error(tmp_path, text):
    path = tmp_path / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for model in (Site, DeviceSettings):
        assert is_model_or_faults(path, model)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_load_turns_any_bytes_into_a_settings_error(tmp_path, content):
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError):
        yaml_file.load(path, Site)

"""Site files are read, or refused with every fault and its line."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import SettingsError
from firmware_config.new_site import example_text, trial_text
from firmware_config.site import Site
from firmware_config.site_file import load_site

HOSTILE_IDS = [
    "../x",
    "a/b",
    "#",
    "+",
    "",
    ".",
    "..",
    "-rf",
    "_x",
    "A",
    "ä",
    "a b",
    "a" * 64,
    "x\ny",
    "x%n",
    "$(reboot)",
]


def faults_of(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_site(path)
    assert all(fault.startswith(f"{path}:") for fault in caught.value.faults)
    return [fault.removeprefix(f"{path}:") for fault in caught.value.faults]


def test_load_site_reads_a_sound_file(site: Site) -> None:
    north, south = site.boxes
    assert (site.site, site.broker.host, site.broker.port, site.broker.tls) == ("campus", "192.0.2.7", 1883, False)
    assert (north.device, north.board, north.exposure_s, north.is_csi) == ("gate-north", "rpi4", 0.02, False)
    assert (south.exposure_s, south.settings, south.is_csi) == (0.033, {}, True)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("site: campus", "site: [campus]", 1, ["site:", "a list", "text"]),
        ("site: campus", "site: 17", 1, ["number 17", '"17", in quotes']),
        ("site: campus", "site: Main Campus", 1, ["'Main Campus'", "did you mean main-campus?"]),
        ("site: campus", "site: campus\nsites: campus", 2, ["unknown key", "did you mean site?"]),
        ("site: campus\n", "", 1, ["site: is missing", "second level of every topic"]),
        ("  port: 1883", "  port: 70000", 4, ["70000", "at most 65535"]),
        ("  port: 1883", "  port: 0", 4, ["at least 1"]),
        ("  port: 1883", '  port: "1883"', 4, ["'1883'", "without quotes"]),
        ("  tls: false", "  tls: no", 5, ["'no'", "did you mean false?"]),
        ("host: 192.0.2.7", "host: mqtt://broker.lan:1883", 3, ["without mqtt://", "did you mean broker.lan?"]),
        ("host: 192.0.2.7", "host: 300.1.1.1", 3, ["300.1.1.1"]),
        ("host: 192.0.2.7", 'host: "a\\nlistener 1"', 3, ["host name or an address"]),
        ("host: 192.0.2.7", "host: fe80::1%eth0", 3, ["host name or an address"]),
        ("board: rpi4", "board: RPi-4", 8, ["'RPi-4'", "did you mean rpi4?"]),
        ("board: rpi5", "board: jetson", 17, ["csi", "Jetson", "use a USB camera"]),
        ("board: rpi4", "board: rpi5", 9, ["a USB port of a Raspberry Pi 4 on a Raspberry Pi 5"]),
        ("board: rpi4", "board: jetson", 9, ["a USB port of a Raspberry Pi 4 on a Jetson"]),
        (
            "platform-fd500000.pcie-pci-0000:01:00.0",
            "platform-xhci-hcd.0",
            9,
            ["of a Raspberry Pi 5 on a"],
        ),
        ("platform-fd500000.pcie-pci-0000:01:00.0", "platform-3610000.usb", 9, ["a USB port of a Jetson"]),
        ("platform-fd500000.pcie-pci-0000:01:00.0", "pci-0000:00:14.0", 9, ["a USB port of a PC"]),
        ("1.3:1.0-video-index0", "1.3:1.0-video-index1", 9, ["no pictures", "1.3:1.0-video-index0?"]),
        ("camera: csi:1", "camera: /dev/v4l/by-id/usb-HD_Camera-video-index0", 17, ["share their id"]),
        ("camera: csi:1", "camera: /films/gate.avi", 17, ["a recording", "only board pc"]),
        ("board: rpi5\n    camera: csi:1", "board: pc\n    camera: gate.avi", 17, ["the whole path"]),
        ("site: campus", "site: CHANGE-ME", 1, ["placeholder"]),
        ("position: South gate", "position: CHANGE-ME", 18, ["boxes.1.position", "placeholder"]),
        ("position: South gate", "position: <where it hangs>", 18, ["placeholder"]),
        ("camera: csi:1", "camera: /dev/v4l/by-path/CHANGE-ME", 17, ["placeholder"]),
        ("threads: 2", "threads: 2\n      model: TODO", 15, ["settings.model", "placeholder"]),
        ("host: 192.0.2.7", "host: broker.example.org", 3, ["a name for examples"]),
        ("host: 192.0.2.7", "host: localhost", 3, ["look for the broker on itself"]),
        ("host: 192.0.2.7", "host: 127.0.0.1", 3, ["look for the broker on itself"]),
        ("host: 192.0.2.7", 'host: "::1"', 3, ["look for the broker on itself"]),
        ("host: 192.0.2.7", "host: 0.0.0.0", 3, ["look for the broker on itself"]),
        ("  tls: false", "  tls: false\n  websockets_port: 0", 6, ["at least 1"]),
        ("  tls: false", "  tls: false\n  password: secret", 6, ["broker.password: unknown key"]),
        ("site: campus", "site: [campus", 1, ["begins with ["]),
        ("site: campus", "site: 'campus", 1, ["no closing quote"]),
        ("site: campus", 'site: "campus', 1, ["closing quote"]),
        ("site: campus", "site campus", 1, ["a colon with a blank after it is missing"]),
        ("site: campus", "site:campus", 1, ["a colon with a blank after it is missing"]),
        ("position: South gate", "position: Gate: south", 18, ["a second colon", "quotes"]),
        ("position: South gate", "position: 'Smith's gate'", 18, ["a quote within a text in quotes"]),
        ("position: South gate", "position: @gate", 18, ["begins with a sign", "quotes"]),
        ("position: South gate", "position: *gate x", 18, ["quotes"]),
        ("position: South gate", "position: {South gate", 18, ["begins with {"]),
        ("position: South gate", "position: South gate\n      floor: 2", 19, ["indented deeper"]),
        ("    position: South gate", "   position: South gate", 18, ["not indented like"]),
        ("    position: South gate", '    position: "South\\gate"', 18, ["a backslash"]),
        ("  - device: gate-south", "  - gate-south", 15, ["a colon with a blank after it is missing"]),
        ("boxes:", "boxes: - a", 6, ["begins on the line of its key"]),
        ("camera: csi:1", "camera: csi:7", 17, ["csi:0"]),
        ("camera: csi:1", "camera: /dev/video0", 17, ["numbers change", "by-path"]),
        ("camera: csi:1", "camera: 0", 17, ["number 0"]),
        ("camera: csi:1", "camera: /dev/v4l/by-path/../../sda", 17, ["by-path"]),
        ("camera: csi:1", "camera: csi:1\n    camera: csi:0", 18, ["given twice, first on line 17"]),
        ("exposure_s: 0.02", "exposure_s: 0", 10, ["more than 0"]),
        ("exposure_s: 0.02", "exposure_s: 33", 10, ["found 33 s", "did you mean 0.033?"]),
        ("exposure_s: 0.02", "exposure_s: 33000", 10, ["did you mean 0.033?"]),
        ("exposure_s: 0.02", "exposure_s: 0.33", 10, ["did you mean 0.033?", "at most 3.03"]),
        ("site: campus", "site: Werk Köln", 1, ["did you mean werk-koeln?"]),
        ("exposure_s: 0.02", "exposure_s: 33 ms", 10, ["'33 ms'", "did you mean 0.033?"]),
        (
            "exposure_s: 0.02",
            "exposure_s: 0.04",
            10,
            ["longer than a frame at 30", "at most 25"],
        ),
        ("detection:\n        threads: 2", "source:\n        fps: 60", 10, ["longer than a frame at 60"]),
        ("exposure_s: 0.02", "exposure_s: 1/50", 10, ["'1/50'", "a number"]),
        ("exposure_s: 0.02", "exposure: 0.02", 10, ["unknown key", "did you mean exposure_s?"]),
        ("position: South gate", 'position: "South\\ngate"', 18, ["one line"]),
        ("device: gate-south", "device: gate-north", 15, ["'gate-north' is taken, first on line 7"]),
        ("device: gate-south", "device: control-room", 15, ["control room's user"]),
        ("device: gate-south", "device: administrator", 15, ["administrator's user"]),
        ("device: gate-south", "device: broker", 15, ["broker's own certificate"]),
        ("threads: 2", "threads: 2000", 14, ["settings.detection.threads", "at most 64"]),
        ("threads: 2", "treads: 2", 14, ["unknown key", "did you mean threads?"]),
        (
            "detection:\n        threads: 2",
            "source:\n        spec: /dev/sda",
            14,
            ["camera of the box", "remove it here"],
        ),
        ("detection:\n        threads: 2", "mqtt:\n        tls: {}", 14, ["follows from broker.tls"]),
        ("detection:\n        threads: 2", "mqtt: 5", 13, ["number 5", "a block of keys"]),
        ("settings:\n      detection:\n        threads: 2", "settings: [1]", 12, ["a list", "a block of keys"]),
        ("    board: rpi4", "\tboard: rpi4", 8, ["tab"]),
        ("site: campus", "site: campus\nsite: other", 2, ["given twice, first on line 1"]),
        ("site: campus", "schema_version: 2\nsite: campus", 1, ["schema_version", "2", "1"]),
    ],
)
def test_load_site_names_a_fault_its_line_and_what_was_meant(
    tmp_path: Path, site_yaml: str, *, old: str, new: str, line: int, words: list[str]
) -> None:
    assert old in site_yaml
    faults = faults_of(tmp_path / "site.yaml", site_yaml.replace(old, new, 1))
    assert len(faults) == 1, faults
    assert faults[0].startswith(f"{line}: "), faults
    assert all(word in faults[0] for word in words), faults[0]


def test_load_site_names_all_faults_in_order(tmp_path: Path, site_yaml: str) -> None:
    text = site_yaml
    for old, new in [
        ("port: 1883", "port: 0"),
        ("board: rpi4", "board: pi"),
        ("threads: 2", "threads: 0"),
        ("device: gate-south", "device: gate-north"),
        ("camera: csi:1", "camera: webcam"),
    ]:
        text = text.replace(old, new, 1)
    faults = faults_of(tmp_path / "site.yaml", text)
    assert [int(fault.partition(":")[0]) for fault in faults] == [4, 8, 14, 15, 17], faults


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
@pytest.mark.parametrize("key", ["site: campus", "device: gate-south"])
def test_load_site_refuses_hostile_ids(tmp_path: Path, site_yaml: str, key: str, hostile: str) -> None:
    quoted = hostile.replace("\n", "\\n")
    faults = faults_of(tmp_path / "site.yaml", site_yaml.replace(key, f'{key.partition(":")[0]}: "{quoted}"', 1))
    assert len(faults) == 1
    assert "expected 1 to 63 of a-z, 0-9, _ and -" in faults[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"# nothing but a comment\n", "found nothing"),
        (b"- a\n- list\n", "found a list"),
        (b"site: \xff\n", "UTF-8"),
        (b"site: campus\n  boxes: [\n", "no readable YAML"),
        (b"site: campus\nboxes: []\nbroker: {host: b}\n", "expected at least one box"),
        (b"{}", "boxes: is missing"),
        (b"site: &a campus\nbroker: {host: *a}\nboxes: [null]\n", "alias"),
        (b"\x00" * 64, "no readable YAML"),
    ],
)
def test_load_site_refuses_what_is_no_site_file(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        load_site(path)


def test_load_site_refuses_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_site(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_site(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "host: mqtt://ann:hush%s@192.0.2.7",
        "host: ann:hush%s@192.0.2.7",
        "host: [mqtt://ann:hush%s@192.0.2.7",
        "host: 'mqtt://ann:hush%s@192.0.2.7",
        "host: mqtt://ann:hush%s@192.0.2.7: 1883",
        "password: hush%s",
        '"mqtt://ann:hush%s@192.0.2.7": x',
    ],
)
@pytest.mark.parametrize("sign", ["", "#", "/", "'", "@"])
def test_load_site_never_shows_a_secret(tmp_path: Path, site_yaml: str, line: str, sign: str) -> None:
    text = site_yaml.replace("host: 192.0.2.7", line % f"{sign}hush")
    assert not [fault for fault in faults_of(tmp_path / "site.yaml", text) if "hush" in fault]


def test_load_site_reads_2000_boxes_in_under_5_s(tmp_path: Path) -> None:
    box = """\
  - device: d{0}
    board: rpi4
    camera: /dev/v4l/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0-video-index0
    position: Gate {0}
    settings: {{detection: {{threads: 2}}}}
"""
    path = tmp_path / "site.yaml"
    path.write_text("site: s\nbroker: {host: b}\nboxes:\n" + "".join(map(box.format, range(2000))), encoding="utf-8")
    began_s = time.process_time()
    assert len(load_site(path).boxes) == 2000
    assert time.process_time() - began_s < 5


def test_load_site_lets_a_trial_use_this_machine(tmp_path: Path) -> None:
    (tmp_path / "gate.avi").touch()
    path = tmp_path / "site.yaml"
    path.write_text(trial_text(tmp_path / "gate.avi"), encoding="utf-8")
    loaded = load_site(path)
    assert (loaded.broker.host, loaded.boxes[0].is_trial) == ("127.0.0.1", True)


SCRAPS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "\t",
            "\n",
            ": ",
            "- ",
            "*a",
            "&a ",
            "!!python/object:os.system ",
            "<<: ",
            "{",
            "]",
            "'",
            '"',
            "|",
            "---\n",
            "null",
        ]
    ),
    st.sampled_from(HOSTILE_IDS),
)


def is_site_or_faults(path: Path) -> bool:
    try:
        return isinstance(load_site(path), Site)
    except SettingsError as error:
        return bool(error.faults) and all(len(fault.splitlines()) == 1 for fault in error.faults)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_load_site_of_a_damaged_file_names_faults(tmp_path: Path, data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from([example_text(), "site: s\nbroker: {host: b}\nboxes:\n- {device: d, board: rpi4}\n"])
    )
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(SCRAPS) + text[start + data.draw(st.integers(0, 30)) :]
    path = tmp_path / "site.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert is_site_or_faults(path)


KEYS = st.sampled_from(
    ["site", "broker", "boxes", "host", "port", "tls", "device", "board", "camera", "settings", "mqtt", "source", "x"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(tree=st.dictionaries(KEYS, TREES, max_size=5))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_load_site_of_any_tree_of_values_names_faults(tmp_path: Path, tree: dict[str, object]) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(json.dumps(tree), encoding="utf-8")
    assert is_site_or_faults(path)

"""No part of a login is shown, however it is mis-written."""

import logging
import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge import errors
from edge.config.device import DeviceSettings
from edge.config.yaml_file import load
from edge.doctor.finding import fault
from edge.errors import GammaboxError, SettingsError, SourceError
from edge.redaction import (
    RedactingFormatter,
    fault_of_address,
    redacted,
    redacted_values,
    without_login,
    without_logins_of,
)

USER, SECRET = "zqadminqz", "zqs3cretqz"
MARK = re.compile("zq|qz", re.IGNORECASE)
"""Stands in every part of a login of these tests and nowhere else."""
ODD = "".join(sign for sign in string.printable if not sign.isalnum()) + "äß漢\u2028"


def has_login(text):
    return MARK.search(text) is not None


@st.composite
def addresses(draw):
    """Addresses of cameras and brokers with a login that holds any sign, between letters that mark its parts."""
    parts = draw(st.lists(st.text(ODD, max_size=3), min_size=1, max_size=4))
    password = "zq" + "zq".join(parts) + "zq"
    scheme = draw(st.sampled_from(["rtsp://", "http://", "https://", "mqtt://", "RTSP:/", "rtsp:\\\\", "tcp://"]))
    user = draw(st.sampled_from([USER, f"dom\\{USER}", f"{USER}@firm.example", ""]))
    host = draw(st.sampled_from(["10.0.0.7", "cam.lan:554", "[::1]:8080", "127.0.0.1:1"]))
    path = draw(st.sampled_from(["", "/", "/video", "/h264/ch1", "/v.mjpg?size=1"]))
    return f"{scheme}{user}:{password}@{host}{path}"


MISWRITTEN = [
    f"{USER}:zq:/zq@10.0.0.7/v",  # a password that looks like a scheme
    f"rtsp://{USER}:{SECRET}",
    f"rtsp://{USER}:zq#qz",
    f"{USER}:{SECRET}@10.0.0.7/v",
    f"//{USER}:{SECRET}@10.0.0.7/v",
    f"rtsp//{USER}:{SECRET}@10.0.0.7",
    f"rtsp;//{USER}:{SECRET}@10.0.0.7",
    f"rtsp:{USER}:{SECRET}@10.0.0.7",
    f"rtsp://10.0.0.7:554/user={USER}_password={SECRET}_channel=1.sdp",
    f"rtsp://10.0.0.7/user={USER}&password={SECRET}&channel=1",
    f"http://10.0.0.7/cgi?user={USER}&pwd={SECRET}",
    f"http://10.0.0.7/cgi?user={USER}@firm.example&pwd={SECRET}",
    f"10.0.0.7/cgi?pwd={SECRET}",
    f"http://{USER}:{SECRET}%40host/x",
    "http://zq/qz@10.0.0.7/v",
]


@given(addresses())
@example(f"rtsp://{USER}:zq@qz@10.0.0.7")
@example(f"http://{USER}:zq[qz@10.0.0.7")
def test_without_login_shows_no_part_of_any_login(address):
    assert not has_login(without_login(address))


@pytest.mark.parametrize("address", MISWRITTEN)
def test_without_login_hides_miswritten_logins(address):
    assert not has_login(without_login(address))
    assert not has_login(redacted(f"found '{address}', expected a camera"))


@pytest.mark.parametrize(
    "name",
    ["films/gate.avi", "me@home.avi", "/dev/video0", "csi:0", "rtsp://10.0.0.7:554/ch1", "https://[::1]:4/x", "a=b"],
)
def test_without_login_leaves_plain_names(name):
    assert without_login(name) == name


def test_redacted_leaves_our_own_advice():
    advice = "the server answers 401; put user:password@ before the host, or check them"
    assert redacted(advice) == advice


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://admin:s3cr/et@127.0.0.1:1/v", "%2F"),
        ("http://admin:s3cr#et@127.0.0.1:1/v", "%23"),
        ("http://admin:s3cr?et@127.0.0.1:1/v", "%3F"),
        ("http://admin:s3cr[et@127.0.0.1:1/v", "%5B"),
        ("rtsp://admin:s3cr et@127.0.0.1:1/v", "%20"),
        ("rtsp://admin:s3cr\\et@127.0.0.1:1/v", "%5C"),
        ("rtsp://admin:s3cret", "no host"),
        ("http://10.0.0.7:99999/v", "port"),
        ("http://admin:s3cr@et@127.0.0.1:1/v", None),
        ("http://10.0.0.7/p@th", None),
        ("films/gate.avi", None),
    ],
)
def test_fault_of_address_names_the_sign(address, said):
    told = fault_of_address(address)
    assert told is None if said is None else said in told


@pytest.mark.parametrize("address", MISWRITTEN)
def test_errors_findings_and_logs_show_no_login(address):
    record = logging.LogRecord("any", logging.ERROR, "", 0, "lost %s", (address,), None)
    source = SourceError(address, f"no answer from {address}", "check it")
    shown = [
        str(GammaboxError(f"{address}: no such file")),
        *map(str, (source, source.spec, source.problem)),
        *SettingsError("device.yaml", [f"device.yaml:3: found '{address}'"]).faults,
        fault("camera", f"{address} does not answer", "check it").found,
        RedactingFormatter("%(message)s").format(record),
        str(redacted_values({"faults": (f"camera {address} is away",)})),
    ]
    assert not [text for text in shown if has_login(text)]


def test_every_error_of_the_hierarchy_redacts():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GammaboxError)]
    assert len(kinds) > 5
    built = set()
    for kind in kinds:
        for words in ((MISWRITTEN[0],), (MISWRITTEN[0], "problem", "advice"), (MISWRITTEN[0], [MISWRITTEN[1]])):
            try:
                raised = kind(*words)
            except (TypeError, AttributeError):
                continue
            built.add(kind)
            assert not has_login(str(raised)), kind
    assert built == set(kinds)


YAML = "site: docks\ndevice: gate-1\nsource:\n  spec: clip.avi\nmqtt:\n  host: localhost\n  username: box\n"


@st.composite
def spoilt_settings(draw):
    """Settings with a login where it does not belong."""
    login = draw(addresses() | st.sampled_from(MISWRITTEN))
    quote = draw(st.sampled_from(["", "'", '"']))
    value = quote + login.replace("\n", " ").replace(quote or "\0", "") + quote
    old, new = draw(
        st.sampled_from(
            [
                ("  spec: clip.avi", f"  spec: [{value}"),
                ("  spec: clip.avi", f"  spec: clip.avi\n  {value}: 1"),
                ("  spec: clip.avi", f"  spec: clip.avi\n  exposure_s: {value}"),
                ("source:\n  spec: clip.avi", f"source: {value}"),
                ("  host: localhost", f"  host: {value}"),
                ("  username: box", f"  username: [{value}]"),
                ("  username: box", f"  username: box\n  password_file: [{value}]\n  port: {value}"),
                ("  username: box", f"  password: {SECRET}"),
                ("  username: box", f"  username: !{SECRET} x"),
                ("  username: box", f"  username: *{SECRET}"),
                ("site: docks", f"{value}\nsite: docks"),
                ("site: docks", f"site: {value}"),
                (YAML, value),
            ]
        )
    )
    return YAML.replace(old, new, 1)


@given(text=spoilt_settings())
def test_complaints_about_settings_show_no_login(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "device.yaml"
    path.write_bytes(text.encode())
    shown = ""
    try:
        load(path, DeviceSettings)
    except SettingsError as error:
        shown = str(error).replace(str(path), "")
    assert not has_login(shown)


def test_without_logins_of_hides_what_follows_the_code_of_a_sign():
    given = "rtsp://10.0.0.7:1/user=admin&password=s3 \rcret"
    shown = without_logins_of([given], "unknown camera 'rtsp://10.0.0.7:1/… \\rcret'")
    assert "cret" not in shown

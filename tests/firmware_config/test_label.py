"""Labels hold id, place, certificate and result, are safe against hostile text, and scan as what they say."""

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge.doctor.finding import fault, ok
from firmware_config.label import code_text, grouped, labels, qr_svg
from firmware_config.ledger import Issued, Ledger
from firmware_config.results import Result, load_result, save_result
from firmware_config.site import Box, Broker, Site

NOW = datetime(2026, 5, 1, 9, 30, tzinfo=timezone.utc)


@pytest.fixture
def docks() -> Site:
    boxes = (
        Box(device="gate-1", board="rpi4", camera="csi", position="<b>North & left</b>"),
        Box(device="gate-2", board="jetson", camera="/dev/v4l/by-path/platform-3610000.usb-usb-0:1:1.0-video-index0"),
    )
    return Site(site="docks", broker=Broker(host="broker.lan"), boxes=boxes)


@pytest.fixture
def ledger() -> Ledger:
    issued = Issued(name="gate-1", role="box", serial="1", sha256="0123" * 16, ends=NOW, state="current", since=NOW)
    return Ledger(site="docks", authority_ends=NOW, issued=(issued,))


def result(*findings: object) -> Result:
    return Result(site="docks", device="gate-1", utc=NOW, findings=findings)


def test_labels_hold_what_the_box_is(docks: Site, ledger: Ledger) -> None:
    page = labels(docks, docks.boxes, ledger, {"gate-1": result(ok("birth", "online"))})
    assert page == labels(docks, docks.boxes, ledger, {"gate-1": result(ok("birth", "online"))})
    assert page.count("<section>") == page.count("<svg") == 2
    assert "&lt;b&gt;North &amp; left&lt;/b&gt;" in page
    assert grouped("0123" * 16) in page
    assert "Verified: works, 2026-05-01 09:30 UTC" in page
    assert page.count("Not verified yet.") == 1
    assert not re.search(r"https?://(?!www\.w3\.org)|src=", page)


def test_label_of_a_broken_box_says_so(docks: Site) -> None:
    page = labels(docks, docks.boxes[:1], None, {"gate-1": result(fault("camera", "<lost>", "plug it in"))})
    assert "camera: &lt;lost&gt;" in page
    assert "works" not in page


def test_code_scans_as_the_box(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    segno = pytest.importorskip("segno")
    text = code_text("docks", "gate-1", "0123" * 16)
    assert "<path" in qr_svg(text)
    segno.make_qr(text, error="m").save(str(tmp_path / "code.png"), scale=6, border=4)
    decoded, _, _ = cv2.QRCodeDetector().detectAndDecode(cv2.imread(str(tmp_path / "code.png")))
    assert decoded == text


def test_results_are_kept_by_box(tmp_path: Path) -> None:
    saved = result(ok("birth", "online"), fault("camera", "lost", "plug it in"))
    save_result(tmp_path / "verified", saved)
    loaded = load_result(tmp_path / "verified", "docks", "gate-1")
    assert loaded == saved
    assert loaded is not None
    assert (loaded.works, loaded.first_fault) == (False, fault("camera", "lost", "plug it in"))
    assert load_result(tmp_path / "verified", "pier", "gate-1") is None
    (tmp_path / "verified/gate-1.json").write_text("{", encoding="utf-8")
    assert load_result(tmp_path / "verified", "docks", "gate-1") is None

"""What a box reports is judged link by link, and the first broken one is named with a remedy."""

from datetime import datetime, timedelta, timezone

import pytest
from reports import GOOD_HEALTH, GOOD_INFO, NOW, STAMP

from edge.clock import ClockWatch
from edge.control_room.arrivals import Received
from edge.telemetry.messages import Health, HitDetail, HitMessage, Info, Model, Status
from edge.telemetry.topics import Topic
from firmware_config.ledger import Issued
from firmware_config.site import Box
from firmware_config.verify import Expected, Heard, findings_of, hits_wanted, source_finding

BOX = Box(device="gate-1", board="rpi4", camera="csi", exposure_s=0.02)
OURS = Issued(
    name="gate-1", role="box", serial="1", sha256="a" * 64, ends=NOW + timedelta(days=400), state="current", since=NOW
)
EXPECTED = Expected("7", "m" * 64, (OURS,))


def heard(info: dict[str, object] | None = None, health: dict[str, object] | None = None, **status: str) -> Heard:
    box = Heard()
    kinds = [
        ("status", Status(**STAMP, **{"state": "online", "reason": "connected", **status})),
        ("info", Info(**STAMP, **{**GOOD_INFO, **(info or {})})),
        ("health", Health(**STAMP, **{**GOOD_HEALTH, **(health or {})})),
    ]
    for kind, message in kinds:
        for _ in range(2):
            box.take(Received(Topic("docks", "gate-1", kind), message, retained=kind != "health"))
    return box


def test_findings_of_a_good_box_are_all_well() -> None:
    assert heard().is_complete
    findings = list(findings_of(BOX, heard(), EXPECTED, NOW))
    assert [finding.check for finding in findings] == [
        *("birth", "rights", "release", "model", "camera", "frame rate", "exposure", "live fraction", "certificate"),
    ]
    assert {finding.state for finding in findings} == {"ok"}, findings


@pytest.mark.parametrize(
    ("box", "check", "said"),
    [
        (Heard(), "birth", "never reached the broker"),
        (heard(state="offline", reason="lost"), "birth", "lost since it was last connected"),
        (heard(state="offline", reason="stopped"), "birth", "was stopped"),
        (heard(health={"faults": ("broker b refuses messages: check",)}), "rights", "refuses messages"),
        (heard({"release": "6"}), "release", "expected release 7"),
        (heard({"model": Model(name="net", sha256="0" * 64, runtime="x")}), "model", "expected mmmm"),
        (heard(health={"camera": ("lost",), "faults": ("the camera is lost: plug it in",)}), "camera", "lost"),
        (heard(health={"frames": 0}), "camera", "no frame was analysed"),
        (heard(health={"faults": ("the disk is full",)}), "camera", "with a fault"),
        (heard(health={"fps": 10.0}), "frame rate", "10.0 of 30"),
        (heard(health={"exposure_s": 0.005}), "exposure", "0.005 s, expected 0.02 s"),
        (heard(health={"exposure_s": None}), "exposure", "does not tell"),
        (heard(health={"live_fraction": 0.2}), "live fraction", "20%"),
        (heard(health={"live_fraction": None}), "live fraction", "no live ground"),
        (heard({"certificate_sha256": "b" * 64}), "certificate", "not known here"),
    ],
)
def test_findings_of_name_the_first_broken_link(box: Heard, check: str, said: str) -> None:
    first = next(finding for finding in findings_of(BOX, box, EXPECTED, NOW) if finding.state == "fault")
    assert (first.check, said in first.found, bool(first.remedy)) == (check, True, True), first


def test_clock_that_was_set_is_told_and_no_fault() -> None:
    """A board without a battery for its clock has the time for the first time when it is online."""
    watch, before = ClockWatch(), datetime(2026, 4, 27, tzinfo=timezone.utc)
    watch.faults(0.0, before)
    told = tuple(watch.faults(1.0, before + timedelta(days=217)).values())
    findings = {finding.check: finding for finding in findings_of(BOX, heard(health={"faults": told}), EXPECTED, NOW)}
    assert {finding.state for finding in findings.values()} == {"ok"}
    assert "set forward by 18,748,799 s" in findings["clock"].found
    with_other = list(findings_of(BOX, heard(health={"faults": (*told, "the disk is full")}), EXPECTED, NOW))
    assert [finding.check for finding in with_other if finding.state == "fault"] == ["camera"]
    assert next(finding for finding in with_other if finding.state == "fault").remedy == "the disk is full"


def test_findings_of_ask_for_news() -> None:
    box = heard()
    box.news = 0
    assert not box.is_complete
    last = list(findings_of(BOX, box, EXPECTED, NOW))[-1]
    assert (last.check, last.state) == ("reports", "fault")


def test_findings_of_warn_before_the_certificate_ends() -> None:
    last = list(findings_of(BOX, heard(), EXPECTED, NOW + timedelta(days=341)))[-1]
    assert (last.check, last.state) == ("certificate", "fault")


def test_source_needs_more_than_the_background() -> None:
    box = heard()
    details = [HitDetail(x=1, y=1, score=1, added_dn=50, pixels=2, live=live) for live in (True, True, False)]
    message = HitMessage(**STAMP, frame=1, live_fraction=1, exposure_s=0.02, hits=tuple(details))
    box.take(Received(Topic("docks", "gate-1", "hit"), message, retained=False))
    assert box.hits == 2
    assert source_finding(4, None, 60).state == "fault"
    assert source_finding(5, None, 60).state == "ok"
    assert source_finding(80, 1.0, 60).state == "fault"
    assert hits_wanted(1.0, 60) == 88


@pytest.mark.parametrize(("is_revoked", "said"), [(True, "is revoked"), (False, "it has no certificate")])
def test_findings_of_look_in_the_ledger_first(*, is_revoked: bool, said: str) -> None:
    (finding,) = findings_of(BOX, Heard(), Expected("7", None, (), is_revoked), NOW)
    assert (finding.check, finding.state) == ("certificate", "fault")
    assert said in finding.found
    assert "credentials create, then export box" in str(finding.remedy)

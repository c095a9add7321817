import json
from contextlib import closing
from datetime import timedelta, timezone
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest
from box_messages import NOW, Sender, kind_of, payload_of

from edge.commands import history as history_command
from edge.commands.cli import app
from edge.control_room.archive_arrival import arrival_of
from edge.control_room.archive_file import ArchiveError, ArchiveFile
from edge.control_room.export import cap, n42
from edge.control_room.history import History
from edge.control_room.period import Period, PeriodError, period_of

NIGHT = Period(NOW - timedelta(hours=12), NOW + timedelta(hours=12))


class Night:
    """An archive that a test fills."""

    def __init__(self, path):
        self.path = path
        self.file = ArchiveFile(path)
        self.file.resume(NIGHT.since.timestamp() - 1, kept_by_broker=False, unsure_s=0)

    def hear(self, box, *messages):
        self.file.write(
            [arrival_of(box.topic(kind_of(each)), payload_of(each), each.utc.timestamp() + 0.1) for each in messages],
            NIGHT.until.timestamp(),
            durable=False,
        )

    def history(self, period=NIGHT, device=None):
        return History(self.path, period, device)


@pytest.fixture
def night(tmp_path):
    made = Night(tmp_path / "archive.sqlite")
    with closing(made.file):
        yield made


@pytest.fixture
def box():
    return Sender()


def passage(box, number=1, at=0):
    """Return the messages of an alarm that rises, is acknowledged and clears."""
    return (
        box.alarm("raised", at, number, rate_hz=4.0),
        box.alarm("updated", at + 10, number, rate_hz=9.0, by="Ann", advice="Send someone"),
        box.alarm("cleared", at + 60, number, rate_hz=2.0, by="Ann", advice="Send someone"),
    )


def test_history_joins_the_messages_of_an_alarm(night, box):
    night.hear(box, box.info(-60), *passage(box))
    (alarm,) = night.history().alarms()
    assert (alarm.end, alarm.messages, alarm.maximum_hz, alarm.duration_s) == ("cleared", 3, 9.0, 62.0)
    assert alarm.raised_utc == NOW
    assert {(taken.person, taken.reason) for taken in alarm.acknowledged} == {("Ann", "patrol sent")}
    assert (alarm.box.place, alarm.box.latitude) == ("north gate", 52.5)


def test_history_knows_an_acknowledgement_that_it_heard_of_later_only(night, box):
    earlier = ({"by": "Bo", "utc": box.at(1), "reason": "patrol 2 is out"},)
    night.hear(box, box.alarm("updated", 10, by="Ann", earlier=earlier), box.alarm("updated", 20, by="Ann"))
    (alarm,) = night.history().alarms()
    taken = [(each.person, each.reason) for each in alarm.acknowledged]
    assert taken == [("Bo", "patrol 2 is out"), ("Ann", "patrol sent"), ("Ann", "patrol sent")]


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ((), "stands"),
        (("changed", 1), "changed"),
        (("learning", 1), "left"),
        (("raised", 2), "left"),
        (("none", 1), "left"),
    ],
    ids=["stands", "changed", "learning", "another", "calm"],
)
def test_history_knows_how_an_alarm_ended(night, box, last, end):
    night.hear(box, box.alarm("raised", 0, 1))
    if last:
        night.hear(box, box.alarm(last[0], 50, last[1]))
    assert night.history().alarms()[0].end == end


def test_history_keeps_to_its_period_and_box(night, box):
    other = Sender("gate-2")
    night.hear(box, *passage(box), box.health(0, ("dark",)), box.health(9))
    night.hear(other, *passage(other))
    assert [alarm.box.device for alarm in night.history().alarms()] == ["gate-1", "gate-2"]
    assert [alarm.box.device for alarm in night.history(device="docks/gate-2").alarms()] == ["gate-2"]
    later = Period(NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    assert not night.history(later).alarms()
    assert not night.history(later).faults()
    within = Period(NOW + timedelta(seconds=20), NOW + timedelta(seconds=30))
    assert len(night.history(within).alarms()) == 2, "an alarm that stood in the period"


def test_history_names_a_box_that_it_does_not_know(night, box):
    night.hear(box, box.status())
    with pytest.raises(ArchiveError, match="knows: docks/gate-1"):
        night.history(device="gate-9")


@pytest.mark.parametrize("content", [None, b"no database", b""], ids=["none", "text", "empty"])
def test_history_names_a_file_that_is_no_archive(tmp_path, content):
    path = tmp_path / "a.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"a\.sqlite"):
        History(path, NIGHT)


def test_history_says_when_alarms_may_be_missing(night, box):
    night.hear(box, box.status())
    assert history_command.caveats(night.history()) == []
    night.file.resume(NIGHT.until.timestamp() + 90, kept_by_broker=False, unsure_s=60)
    night.file.write([arrival_of(box.topic("alarm"), b"{}", NOW.timestamp())], None, durable=False)
    early = Period(NIGHT.since - timedelta(days=2), NIGHT.until + timedelta(days=2))
    told = " ".join(history_command.caveats(night.history(early)))
    for words in ("listens only since", "has not listened since", "alarms may be missing", "could not be read"):
        assert words in told


@pytest.fixture
def command(night, console_command):
    def run(*words):
        period = ("--since", "2026-11-29", "--until", "2026-12-02")
        return console_command(app, "history", "--file", str(night.path), *period, *words)

    return run


@pytest.fixture
def console_command(capsys, monkeypatch):
    from edge.commands import console

    def run(application, *words):
        monkeypatch.setattr("sys.argv", ["gammabox-edge", *words])
        code = 0
        try:
            console.run(application)
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run


def test_history_prints_alarms_and_faults(night, box, command):
    night.hear(box, box.info(-60), *passage(box), box.health(0, ("no frame for 9 s",)), box.health(70))
    code, out, _ = command()
    assert code == 0
    for words in (
        "docks/gate-1",
        "north gate",
        "9.00/s",
        "1 min 02 s",
        "Ann",
        "patrol sent",
        "no frame for 9 s",
        "UTC",
    ):
        assert words in out, words


def test_history_prints_no_control_sign(night, box, command):
    night.hear(box, box.info(place="x\x1b[2J\ny"), *passage(box), box.health(0, ("\x1b]0;evil\x07",)))
    _, out, err = command()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err


def test_history_prints_json(night, box, command):
    night.hear(box, box.status("offline", "lost"), *passage(box))
    found = json.loads(command("--json")[1])
    assert found["alarms"][0]["acknowledged"][0]["person"] == "Ann"
    assert found["states"][0]["reason"] == "lost"


def test_history_writes_csv_and_parquet(night, box, command, tmp_path):
    night.hear(box, box.info(place="=1+1"), *passage(box), *[box.health(60 * minute) for minute in range(5)])
    assert command("--export", "csv", "--out", str(tmp_path / "a.csv"))[0] == 0
    header, row = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("site,device,place,alarm_id,raised_utc")
    assert row.startswith("docks,gate-1,'=1+1,gate-1-b0071d-1,2026-11-30T02:00:00+00:00")
    assert command("--export", "parquet", "--out", str(tmp_path / "r.parquet"), "--records", "rates")[0] == 0
    table = pq.read_table(tmp_path / "r.parquet")
    assert table.num_rows == 5
    assert table.column("rate_hz").to_pylist() == [0.03] * 5


@pytest.mark.parametrize("records", ["alarms", "faults", "states", "rates"])
@pytest.mark.parametrize("export", ["csv", "parquet"])
def test_history_exports_nothing_as_an_empty_table(command, tmp_path, export, records):
    assert command("--export", export, "--out", str(tmp_path / "x"), "--records", records)[0] == 0
    assert (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--export", "xls", "--out", "x"),
        ("--export", "csv"),
        ("--out", "x"),
        ("--export", "csv", "--out", "/dev/null/x"),
        ("--export", "n42", "--out", "/dev/null/x"),
        ("--export", "csv", "--out", "x", "--records", "hits"),
        ("--since", "last week"),
        ("--since", "2026-11-30", "--until", "2026-11-29T00:00"),
    ],
)
def test_history_refuses_wrong_use_in_one_line(command, words):
    code, out, err = command(*words)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_history_overwrites_no_file(command, tmp_path):
    (tmp_path / "x.csv").write_text("mine")
    code, _, err = command("--export", "csv", "--out", str(tmp_path / "x.csv"))
    assert code == 2
    assert "is there already" in err
    assert (tmp_path / "x.csv").read_text() == "mine"


def test_n42_holds_what_radiation_software_needs(night, box, command, tmp_path):
    night.hear(box, box.info(), *passage(box, 1), *passage(box, 2, 300))
    assert command("--export", "n42", "--out", str(tmp_path / "n"))[0] == 0
    root = ET.parse(tmp_path / "n" / "docks.gate-1.n42").getroot()  # noqa: S314 - our own
    names = [element.tag.removeprefix(f"{{{n42.NAMESPACE}}}") for element in root]
    assert names == [
        "RadInstrumentDataCreatorName",
        "RadInstrumentInformation",
        "RadDetectorInformation",
        *["RadMeasurement"] * 2,
        *["AnalysisResults"] * 2,
    ]
    found = {element.tag.rpartition("}")[2]: element.text for element in root.iter() if element.text}
    assert found["RadAlarmCategoryCode"] == "Gamma"
    assert found["LatitudeValue"] == "52.5"
    assert found["MaximumCountRateValue"] == "9"


def test_cap_says_whether_an_alarm_is_over(night, box, command, tmp_path):
    night.hear(box, box.info(), *passage(box, 1), box.alarm("raised", 300, 2))
    assert command("--export", "cap", "--out", str(tmp_path / "c"))[0] == 0
    urgencies = {}
    for path in sorted((tmp_path / "c").glob("*.cap.xml")):
        root = ET.parse(path).getroot()  # noqa: S314 - our own
        found = {element.tag.removeprefix(f"{{{cap.NAMESPACE}}}"): element.text for element in root.iter()}
        urgencies[found["incidents"]] = found["urgency"]
        assert found["sent"].endswith("-00:00")
        assert found["circle"] == "52.500000,13.400000 0.1"
    assert list(urgencies.values()) == ["Past", "Immediate"]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("yesterday", None, ("2026-11-28T23:00", "2026-11-30T02:00")),
        ("today", None, ("2026-11-29T23:00", "2026-11-30T02:00")),
        ("yesterday", "yesterday", ("2026-11-28T23:00", "2026-11-29T23:00")),
        ("90m", "1h", ("2026-11-30T00:30", "2026-11-30T01:00")),
        ("2026-11-01", "2026-11-01", ("2026-10-31T23:00", "2026-11-01T23:00")),
        ("2026-11-01T12:00Z", "now", ("2026-11-01T12:00", "2026-11-30T02:00")),
    ],
)
def test_period_reads_what_people_write(since, until, expected):
    period = period_of(since, until, NOW, timezone(timedelta(hours=1)))
    assert tuple(time.isoformat()[:16] for time in (period.since, period.until)) == expected


@pytest.mark.parametrize("word", ["", "tomorrow", "9999999h", "2026-13-01", "\x1b[2J", "999999w"])
def test_period_refuses_what_is_no_time(word):
    with pytest.raises(PeriodError):
        period_of(word, None, NOW)

"""Offers of releases go to the updater, and its report goes into info."""

import json

import pytest

from edge.config.device import DeviceSettings
from edge.offers import Offers
from edge.telemetry.inbox import Arrived
from edge.updater.disk import Disk
from edge.updater.errors import UpdaterError
from edge.updater.offer import Offer, read_offer
from edge.updater.report import Report, write_report

TOPIC = "gammabox/docks/gate-1/release"
GOOD = {"offer": "o-1", "release": "0.1.0-7", "urls": ["https://releases.lan/7.json"]}


@pytest.fixture
def settings(tmp_path):
    return DeviceSettings.model_validate(
        {
            "site": "docks",
            "device": "gate-1",
            "source": {"spec": "x.avi"},
            "mqtt": {"host": "broker"},
            "outbox": {"path": tmp_path / "state/outbox.sqlite"},
        }
    )


@pytest.fixture
def offers(settings, tmp_path):
    return Offers(settings, tmp_path / "updater")


def arrived(payload, topic=TOPIC):
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Arrived(topic, content, len(content), retained=True)


def test_offer_is_handed_over_and_other_messages_pass(offers, tmp_path):
    other = arrived({}, "gammabox/docks/gate-1/cmd/health")
    assert offers.filters == (TOPIC,)
    assert offers.hear([arrived(GOOD), other]) == [other]
    path = tmp_path / "state/update/offer.json"
    assert read_offer(path) == Offer("o-1", "0.1.0-7", ("https://releases.lan/7.json",))
    before = path.stat().st_mtime_ns
    offers.hear([arrived(GOOD)])  # as the broker repeats it at each connection
    assert path.stat().st_mtime_ns == before
    offers.hear([arrived({**GOOD, "offer": "o-2", "again": True})])
    assert read_offer(path).again
    offers.hear([arrived(b"")])
    assert read_offer(path) is None
    offers.hear([arrived(b"")])


@pytest.mark.parametrize(
    "wrong",
    [
        b"{",
        {},
        {**GOOD, "urls": []},
        {**GOOD, "urls": ["http://releases.lan/7.json"]},
        {**GOOD, "urls": ["file:///etc/passwd"]},
        {**GOOD, "offer": "../x"},
        {**GOOD, "schema_version": 2},
    ],
)
def test_offer_that_is_none_is_left_alone(offers, tmp_path, caplog, wrong):
    assert offers.hear([arrived(wrong)]) == []
    assert not (tmp_path / "state/update").exists()
    assert "offer of a release cannot be read" in caplog.text


def test_offers_without_an_updater_do_nothing(settings, tmp_path, monkeypatch):
    monkeypatch.delenv("GAMMABOX_UPDATER", raising=False)
    assert Offers(settings).filters == ()
    assert not Offers(settings).has_news()
    monkeypatch.setenv("GAMMABOX_UPDATER", str(tmp_path))
    assert Offers(settings).filters == (TOPIC,)


def test_report_of_the_updater_is_news_once(offers, tmp_path):
    folder = tmp_path / "updater"
    folder.mkdir()
    assert not offers.has_news()
    write_report(Disk(), folder, Report("o-1", "0.1.0-7", "rolled_back", "no frames"))
    assert offers.has_news()
    assert not offers.has_news()
    told = offers.report
    assert (told.offer, told.release, told.step, told.reason) == ("o-1", "0.1.0-7", "rolled_back", "no frames")
    write_report(Disk(), folder, Report("o-1", "0.1.0-7", "committed"))
    assert offers.has_news()
    assert offers.report.reason is None
    (folder / "report.json").write_text('{"step": "committed", "offer": "no id: ü"}', encoding="utf-8")
    assert offers.has_news()
    assert offers.report is None


@pytest.mark.parametrize("text", ["", "{", "null", '{"offer": 1}', '{"offer": "a", "release": "x", "urls": "https"}'])
def test_read_offer_refuses_what_is_none(tmp_path, text):
    (tmp_path / "offer").write_text(text, encoding="utf-8")
    with pytest.raises(UpdaterError, match="no offer of a release"):
        read_offer(tmp_path / "offer")


def test_read_offer_follows_no_link(tmp_path):
    (tmp_path / "real").write_text(json.dumps(GOOD), encoding="utf-8")
    (tmp_path / "offer").symlink_to(tmp_path / "real")
    with pytest.raises(UpdaterError, match="cannot be read"):
        read_offer(tmp_path / "offer")

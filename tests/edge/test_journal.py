import logging

import pytest

from edge.journal import FaultJournal

UNPLUGGED = {"camera": "the camera is unplugged"}


@pytest.fixture
def journal(caplog):
    caplog.set_level(logging.INFO)
    return FaultJournal()


def test_journal_tells_a_fault_once_at_each_end(journal, caplog):
    for second in range(3600):
        faults = {"camera": f"no frame for {second} s"} if 10 <= second < 1800 else {}
        journal.update(faults, float(second))
    assert caplog.messages == ["fault: no frame for 10 s", "fault ended after 1789 s: no frame for 10 s"]


def test_journal_tells_faults_apart_by_name(journal, caplog):
    journal.update(UNPLUGGED, 0.0)
    journal.update({**UNPLUGGED, "broker": "the broker is away"}, 1.0)
    journal.update({"broker": "the broker is still away"}, 20.0)
    assert caplog.messages == [
        "fault: the camera is unplugged",
        "fault: the broker is away",
        "fault ended after 1 s: the camera is unplugged",
    ]


def test_journal_of_a_fault_that_comes_and_goes_stays_short(journal, caplog):
    for second in range(86_400):
        journal.update(UNPLUGGED if second % 30 < 15 else {}, float(second))
    assert len(caplog.messages) <= 4


def test_journal_forgets_faults_that_stay_away(journal):
    journal.update(UNPLUGGED, 0.0)
    for second in range(0, 8000, 10):
        journal.update({}, float(second))
    assert not journal._entries

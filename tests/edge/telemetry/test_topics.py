import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.telemetry.topics import (
    KINDS,
    CommandTopic,
    Topic,
    TopicError,
    commands_of,
    minute_topic,
    of_site,
    parse,
    parse_command,
)


@pytest.mark.parametrize("kind", KINDS)
def test_parse_inverts_topic(kind):
    assert str(Topic("docks", "gate-1", kind)) == f"gammabox/docks/gate-1/{kind}"
    assert parse(str(Topic("docks", "gate-1", kind))) == Topic("docks", "gate-1", kind)


@pytest.mark.parametrize("name", ["", "A", "a/b", "+", "#", "$SYS", "a b", "ä", "-a", "a" * 64, "a\n", "..", "a\x00"])
def test_topic_refuses_hostile_ids(name):
    for ids in ((name, "box"), ("site", name)):
        with pytest.raises(TopicError, match="expected a-z"):
            Topic(*ids, "hit")
    with pytest.raises(TopicError):
        of_site(name)


def test_of_site_covers_one_or_all_sites():
    assert of_site("docks") == "gammabox/docks/#"
    assert of_site() == "gammabox/#"


@given(st.text())
def test_parse_accepts_any_text(text):
    topic = parse(text)
    assert topic is None or str(topic) == text
    assert parse(f"gammabox/{text}") is None or "/" in text


@pytest.mark.parametrize("direction", ["cmd", "rsp"])
def test_parse_command_inverts_its_topic(direction):
    topic = CommandTopic("docks", "gate-1", direction, "log-level")
    assert str(topic) == f"gammabox/docks/gate-1/{direction}/log-level"
    assert parse_command(str(topic)) == topic
    assert parse(str(topic)) is None


@given(st.text())
def test_parse_command_accepts_any_text(text):
    for topic in (text, f"gammabox/docks/gate-1/cmd/{text}", f"gammabox/docks/{text}/rsp/get"):
        parsed = parse_command(topic)
        assert parsed is None or str(parsed) == topic


def test_topics_of_commands_and_minutes_name_one_box():
    assert commands_of("docks", "gate-1") == "gammabox/docks/gate-1/cmd/+"
    assert minute_topic("docks", "gate-1") == "gammabox/docks/gate-1/health_minute"
    for make in (commands_of, minute_topic):
        with pytest.raises(TopicError):
            make("docks", "+")

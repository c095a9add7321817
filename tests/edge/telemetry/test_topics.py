import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.telemetry.topics import KINDS, Topic, TopicError, of_site, parse


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

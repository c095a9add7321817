import re
from html.parser import HTMLParser

import pytest

from edge.errors import OutputError
from edge.output import is_page
from edge.pages.html import Html, element
from edge.pages.page import Page, Section, as_html, data_of, write_page
from edge.pages.parts import Cell, Shot, facts, folded, gallery, meter, note, prose, table, verdict

NASTY = '</script><script>alert(\'"&")</script>'
VOID = {"img", "input", "meta"}


class Balance(HTMLParser):
    """Finds elements that are not closed where they should be."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.scripts = [], [], 0

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script" and dict(attrs).get("type") != "application/json"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture
def text():
    parts = [
        prose(NASTY),
        note(NASTY),
        facts([(NASTY, NASTY, NASTY)]),
        table((NASTY,), [(NASTY,), (Cell(NASTY, "bad"),)], NASTY),
        gallery([Shot("data:image/png;base64,", NASTY, NASTY, NASTY, 8, 8)]),
        folded(NASTY, meter(2)),
    ]
    sections = [Section("", [verdict(NASTY, "good", NASTY)]), Section(NASTY, parts)]
    return as_html(Page(NASTY, NASTY, sections, NASTY, data={"name": NASTY}))


def test_page_is_well_formed_whatever_stands_in_it(text):
    balance = Balance()
    balance.feed(text)
    assert (balance.open, balance.wrong, balance.scripts) == ([], [], 0)


def test_page_needs_nothing_from_elsewhere(text):
    assert not re.search(r"""(src|href)=["'](?!data:)|@import|url\(""", text)


def test_page_is_one_of_ours(text):
    assert is_page(text.encode())


def test_data_come_back_as_they_were(text):
    assert data_of(text) == {"name": NASTY}


def test_page_without_data_says_so():
    with pytest.raises(ValueError, match="no data"):
        data_of(as_html(Page("t", "", [])))


def test_element_leaves_out_attributes_that_are_off():
    assert element("input", checked=True, name=None, value=False) == "<input checked/>"
    assert element("p", Html("<b>x</b>"), "<y>") == "<p><b>x</b>&lt;y&gt;</p>"


def test_page_that_cannot_be_written_says_why(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        write_page(Page("t", "", []), tmp_path / "file" / "page.html")

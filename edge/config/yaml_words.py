"""Complaints of the YAML reader in plain words, with the line where the fault began. Nothing of the file is quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from edge.config.faults import Fault

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

OPENING = "no readable YAML: "
QUOTES = "put quotes around the whole text"
_UNKNOWN = "check colons, quotes, brackets and indentation of this line and of the line above"
_OPEN_QUOTE = re.compile(r"(?:^|[:\-,\[{])\s*(?P<quote>['\"])(?P<rest>.*)$")
_KEY = re.compile(r"\s*(?:- +)*[^\s#:][^:#]*:(?:\s|$)")


class _Complaint(NamedTuple):
    """A complaint of the reader, by what its words contain, and what to say instead.

    The line is that of the reader's context (where a list or a text began) or that of the problem.
    """

    context: str
    problem: str
    said: str
    began: bool = False


_COMPLAINTS = (
    _Complaint("flow sequence", "", "a list that begins with [ has no closing ] or lacks a comma", began=True),
    _Complaint("flow mapping", "", "a block that begins with { has no closing } or lacks a comma", began=True),
    _Complaint("quoted scalar", "escape", "a backslash within double quotes; use single quotes, or write \\\\"),
    _Complaint("quoted scalar", "", "a text that begins with a quote has no closing quote", began=True),
    _Complaint("simple key", "", "a colon with a blank after it is missing between key and value", began=True),
    _Complaint("", "that cannot start any token", f"a text begins with a sign that YAML keeps for itself; {QUOTES}"),
    _Complaint("anchor", "", f"a text begins with &; {QUOTES}"),
    _Complaint("alias", "", f"a text begins with *; {QUOTES}"),
    _Complaint("tag", "", f"a text begins with !; {QUOTES}"),
    _Complaint("directive", "", f"a line begins with %; {QUOTES}"),
    _Complaint("block scalar", "", f"a text begins with > or |; {QUOTES}"),
    _Complaint("", "sequence entries are not", "a list begins on the line of its key; begin it on the next line"),
    _Complaint("block collection", "", "this line is not indented like the other keys of its list entry; align them"),
    _Complaint("", "found '-'", "a list entry stands where a key is expected; indent it below the key of its list"),
    _Complaint("", "<block mapping start>", "this line is not indented like the keys above it; align them"),
    _Complaint("", "document end", "something follows the three dots that end the file; remove the dots"),
    _Complaint("", "<scalar>", f"something follows a value that has ended already; {QUOTES}"),
    _Complaint("", "expected '<document start>'", "something follows the end of the settings; remove it"),
    _Complaint("", "']'", "a closing ] without an opening one"),
    _Complaint("", "'}'", "a closing } without an opening one"),
    _Complaint("", "expected the node content", f"a value begins with a comma or a bracket; {QUOTES}"),
)


def syntax_faults(text: str, error: MarkedYAMLError) -> list[Fault]:
    r"""Return what is wrong in a file that is no YAML, in plain words and with the line where it began.

    Examples
    --------
    >>> from ruamel.yaml import YAML
    >>> from ruamel.yaml.error import MarkedYAMLError
    >>> text = "site: docks\nhost: 'broker.lan\nport: 8883\n"
    >>> try:
    ...     YAML(typ="safe", pure=True).load(text)
    ... except MarkedYAMLError as error:
    ...     syntax_faults(text, error)
    [Fault(line=2, text='no readable YAML: a text that begins with a quote has no closing quote')]

    """
    lines = text.splitlines()
    tabs = [
        Fault(number, "a tab in the indentation, expected spaces")
        for number, line in enumerate(lines, start=1)
        if "\t" in line[: len(line) - len(line.lstrip())] and line.strip()
    ]
    if tabs:
        return tabs
    line, said = _began(lines, error)
    return [Fault(min(line, max(len(lines), 1)), OPENING + said)]


def _began(lines: list[str], error: MarkedYAMLError) -> tuple[int, str]:
    problem_mark = error.problem_mark or error.context_mark
    problem_line = problem_mark.line + 1 if problem_mark else 1
    context_line = error.context_mark.line + 1 if error.context_mark else problem_line
    context, problem = error.context or "", error.problem or ""
    if "mapping values are not allowed" in problem:
        return _stray_colon(lines, problem_line, problem_mark.column if problem_mark else 0)
    if "<scalar>" in problem and (opened := _odd_quote(lines[:problem_line])):
        return opened, "a quote within a text in quotes, or a text without its closing quote; write '' for one '"
    for complaint in _COMPLAINTS:
        if complaint.context in context and complaint.problem in problem:
            return context_line if complaint.began else problem_line, complaint.said
    return problem_line, _UNKNOWN


def _stray_colon(lines: list[str], number: int, column: int) -> tuple[int, str]:
    """Explain a colon that YAML did not expect: the line itself, or the line above it, is wrong."""
    line = lines[number - 1] if number <= len(lines) else ""
    if _KEY.match(line[:column]):
        return number, f"a second colon in one line; {QUOTES}"
    above = next(
        (at for at in range(number - 1, 0, -1) if (given := lines[at - 1].strip()) and not given.startswith("#")), None
    )
    if above is not None and not _KEY.match(lines[above - 1]):
        return above, "a colon with a blank after it is missing between key and value"
    return number, "this line is indented deeper than the line above, which has a value already; align them"


def _odd_quote(lines: list[str]) -> int | None:
    """Return the number of the first line whose text in quotes is not closed, or is closed too early."""
    for number, line in enumerate(lines, start=1):
        opened = _OPEN_QUOTE.search(line)
        if opened is not None and opened["rest"].count(opened["quote"]) % 2 == 0:
            return number
    return None

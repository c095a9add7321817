"""The messages of the view to the guard, in lines of their own, so that they cover nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from edge.text import one_line

if TYPE_CHECKING:
    from datetime import datetime

SHORT_S = 8.0
WRONG_S = 60.0
MAX_NOTES = 3
MAX_LETTERS = 300
STYLES = {False: "#ffffff on #1b5e20", True: "bold #ffffff on #b00020"}


@dataclass(frozen=True, slots=True)
class Note:
    """A message: what is wrong is shown first, and for longer."""

    text: str
    wrong: bool
    said: datetime
    seconds: float


class Notes(Static):
    """Shows the last messages. A message replaces an earlier one about the same thing, such as one alarm."""

    def __init__(self) -> None:
        super().__init__(id="notes")
        self._notes: dict[str, Note] = {}

    def say(
        self, text: str, now: datetime, *, wrong: bool = False, about: str | None = None, seconds: float = SHORT_S
    ) -> None:
        """Show a sentence for some seconds; what is wrong stays for a minute, or until Escape is pressed."""
        key = text if about is None else about
        self._notes.pop(key, None)
        self._notes[key] = Note(one_line(text, MAX_LETTERS), wrong, now, WRONG_S if wrong else seconds)
        self.look(now)

    def clear(self) -> None:
        """Take all messages away."""
        self._notes.clear()
        self._draw()

    def look(self, now: datetime) -> None:
        """Take away what has been shown for long enough, and draw the rest."""
        old = [key for key, note in self._notes.items() if (now - note.said).total_seconds() > note.seconds]
        for key in old:
            del self._notes[key]
        self._draw()

    def _draw(self) -> None:
        newest = list(reversed(self._notes.values()))
        shown = sorted(newest, key=lambda note: not note.wrong)[:MAX_NOTES]
        self.display = bool(shown)
        lines = [Text(f"{note.text}{' (Esc)' if note.wrong else ''}", style=STYLES[note.wrong]) for note in shown]
        self.update(Text("\n").join(lines))

"""The dialogs of the view: acknowledge an alarm, forget a box, help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

MAX_MINUTES = 24 * 60
MAX_LETTERS = 200
FIELDS = ("by", "reason", "minutes")

HELP = """\
ALARM      more hits than usual: act, then press a and say what you do
OLD ALARM  an alarm stood when the box was last heard: act on it too
CHANGED    the excess has lasted for half an hour: somebody has to look
OVERLOAD   more comes than the box can judge: act as on an alarm
FAULT      something is broken: tell the technician, do not rely on it
LOST STOPPED SILENT UNKNOWN   not watched; counted above as LOST
LEARNING   no all-clear yet; usual after a start
calm       the box knows its background and sees no more than that

!  the bell rings  ✓  acknowledged  ♪  rings again: silence is over
↑ ↓ PgUp PgDn  choose a box        Home  back to the most urgent
a  acknowledge the alarm           m  mute the bell until the next one
/  filter by name, place, state    f  hide calm boxes, or show them
h  all alarms, also past ones      d  only for the technician
tab  scroll the details            q  quit    Esc  messages away"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a guard says when taking charge of an alarm. `minutes` is how long its sound is off everywhere."""

    by: str
    reason: str
    minutes: float | None


class AcknowledgeDialog(ModalScreen["Taken | None"]):
    """Asks who takes charge of an alarm, and why.

    `read` names the alarm that the list has just moved away; `given` says who has acknowledged this one already.
    """

    # Enter moves on before the next key is looked at, so that no fast writer stays in a field on a slow machine.
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "cancel", "cancel"),
        Binding("enter", "next", "next", priority=True),
    ]

    def __init__(self, title: str, by: str, read: str = "", given: str = "") -> None:
        super().__init__()
        self._title = title
        self._read = read
        self._given = given
        self._by = by

    def compose(self) -> ComposeResult:
        """Build the dialog."""
        with Vertical(classes="dialog"):
            yield Label(Text(self._title), classes="title")
            if self._read:
                yield Label(Text(f"This is another alarm than the one you read ({self._read})."), id="moved")
            if self._given:
                yield Label(Text(f"{self._given} What you write now replaces it; Esc leaves it."), id="given")
            yield Label(Text("The alarm stays in the list. Everybody sees who acknowledged it, and why."))
            yield Input(self._by, placeholder="who you are", id="by", max_length=MAX_LETTERS)
            yield Input(placeholder="what you do about it, such as: patrol sent", id="reason", max_length=MAX_LETTERS)
            yield Input(placeholder="minutes without sound, or empty", id="minutes", max_length=4)
            yield Label("", id="wrong")
            yield Label(Text("Enter: next, and send · Esc: cancel"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the name, which is selected: another guard may have written it."""
        self.query_one("#by", Input).focus()

    def action_next(self) -> None:
        """Go on to the next field, and close after the last one."""
        fields = [self._field(name) for name in FIELDS]
        place = next((place for place, field in enumerate(fields) if field is self.focused), 0)
        if place + 1 < len(fields):
            self.set_focus(fields[place + 1])  # at once, which focus() is not
            # Keys that are on their way to the field come first.
            fields[place].call_later(self._judge, FIELDS[place])
        else:
            fields[0].call_later(fields[1].call_later, fields[2].call_later, self._finish)

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _judge(self, name: str) -> bool:
        """Return whether a field is filled in well; say what is wrong with it, and go back to it, where it is not."""
        wrong = _wrong(name, self._field(name).value.strip())
        self.query_one("#wrong", Label).update(Text(wrong))
        if wrong:
            self._field(name).focus()
        return not wrong

    def _finish(self) -> None:
        if self.is_current and all(self._judge(name) for name in FIELDS):
            by, reason, minutes = (self._field(name).value.strip() for name in FIELDS)
            self.dismiss(Taken(by, reason, float(minutes) if minutes else None))

    def action_cancel(self) -> None:
        """Close without an answer."""
        if self.is_current:
            self.dismiss(None)


def _wrong(name: str, value: str) -> str:
    """Return what is wrong with a field; an empty text where nothing is."""
    if name == "by" and not value:
        return "Write who you are."
    if name == "reason" and not value:
        return "Write what you do about it."
    is_number = value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_MINUTES
    if name == "minutes" and value and not is_number:
        return f"Write minutes as a number from 1 to {MAX_MINUTES}, or nothing."
    return ""


class TextDialog(ModalScreen[None]):
    """Shows a text until a key is pressed."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Build the dialog."""
        with Vertical(classes="dialog wide"):
            yield Label(Text(self._title), classes="title")
            yield Static(Text(self._text))
            yield Label(Text("any key: close"), classes="hint")

    def on_key(self, event: events.Key) -> None:
        """Close, once: a second key may come before the dialog is gone."""
        event.stop()
        if self.is_current:
            self.dismiss(None)


class EndDialog(ModalScreen[bool]):
    """Asks whether the view ends."""

    def compose(self) -> ComposeResult:
        """Build the dialog."""
        with Vertical(classes="dialog"):
            yield Label(Text("End the view?"), classes="title")
            yield Label(Text("This screen then shows and rings no alarm."))
            yield Label(Text("A new view knows only the last alarms of each box (h)."))
            yield Label(Text("y: end · any other key: go on watching"), classes="hint")

    def on_key(self, event: events.Key) -> None:
        """Close with the answer."""
        event.stop()
        if self.is_current:
            self.dismiss(event.key == "y")

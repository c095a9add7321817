"""The dialogs of the view: acknowledge an alarm, forget a box, help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from edge.control_room.watch.asking import others_ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edge.control_room.view import View
    from edge.control_room.watch.asking import Standing

MAX_MINUTES = 24 * 60
MAX_LETTERS = 200
FIELDS = ("by", "reason", "minutes")
HERE = "▶"
ASK = "Somebody was faster. Enter again: add yours · Esc: leave it so"

HELP = """\
ALARM      more hits than usual: act, then press a and say what you do
OLD ALARM  an alarm stood when the box was last heard: act on it too
CHANGED    the excess has lasted for half an hour: somebody has to look
OVERLOAD   more comes than the box can judge: act as on an alarm
FAULT      something is broken: tell the technician, do not rely on it
LOST STOPPED SILENT UNKNOWN   not watched; counted above as LOST
LEARNING   no all-clear yet; usual after a start
calm       the box knows its background and sees no more than that

! rings   m bell off here   ✓ acknowledged   ♪ rings again
↑ ↓ PgUp PgDn  choose a box        Home  back to the most urgent
a  acknowledge the alarm           m  mute here what rings now
/  filter by name, place, state    f  hide calm boxes, or show them
h  all alarms, also past ones      d  only for the technician
tab  scroll the details            q  quit    Esc  back, messages away"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a guard says when taking charge of an alarm. `minutes` is how long its sound is off everywhere."""

    by: str
    reason: str
    minutes: float | None


class AcknowledgeDialog(ModalScreen["Taken | None"]):
    """Asks who takes charge of an alarm, and why.

    It begins with the reason where the name is known from before. Where somebody else acknowledges the alarm meanwhile,
    it says so at once, and asks once more before it sends; where the alarm ends, it sends nothing.

    Parameters
    ----------
    title : str
    by : str
        The name that was given the last time; empty where none was.
    standing : Standing
    read : str
        Names the alarm that the list has just moved away.

    """

    # Enter moves on before the next key is looked at, so that no fast writer stays in a field on a slow machine.
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "cancel", "cancel"),
        Binding("enter", "next", "next", priority=True),
    ]

    def __init__(self, title: str, by: str, standing: Standing, read: str = "") -> None:
        super().__init__()
        self._title = title
        self._read = read
        self._standing = standing
        self._by = by
        self._warned = False

    def compose(self) -> ComposeResult:
        """Build the dialog."""
        with Vertical(classes="dialog"):
            yield Label(Text(self._title), classes="title")
            if self._read:
                yield Label(Text(f"This is another alarm than the one you read ({self._read})."), id="moved")
            yield Label("", id="blocked")
            yield Label("", id="given")
            yield Label(Text("The alarm stays in the list. Everybody sees who acknowledged it, and why."), id="stays")
            who = f"Who you are. Not {self._by}? Shift+Tab, and write your name" if self._by else "Who you are"
            yield _titled(Input(self._by, id="by", max_length=MAX_LETTERS), who)
            reason = Input(placeholder="such as: patrol sent", id="reason", max_length=MAX_LETTERS)
            yield _titled(reason, "What you do about it")
            yield _titled(Input(id="minutes", max_length=4), "Minutes without sound, or empty")
            yield Label("", id="wrong")
            yield Label(Text("Enter: next, and send · Esc: cancel"), classes="hint")

    def on_mount(self) -> None:
        """Begin with what is not known yet. The name is kept from before, so that no reason is written over it."""
        self._show()
        self._field("reason" if self._by else "by").focus()

    def tell(self, standing: Standing) -> None:
        """Show what holds now of the alarm; ask again before sending where it has changed."""
        if standing != self._standing and self.is_mounted:
            self._standing, self._warned = standing, False
            self._show()

    def _show(self) -> None:
        standing = self._standing
        for name, text in (("blocked", standing.blocked), ("given", standing.given)):
            label = self.query_one(f"#{name}", Label)
            label.display = bool(text)
            label.update(Text(text))
        self.query_one("#given", Label).set_class(standing.is_new, "new")
        self.query_one("#stays", Label).display = not standing.blocked

    async def action_next(self) -> None:
        """Go on to the next field where this one is filled in well, and close after the last one."""
        fields = [self._field(name) for name in FIELDS]
        place = next((place for place, field in enumerate(fields) if field is self.focused), 0)
        written = asyncio.Event()
        if fields[place].call_later(written.set):  # keys that are on their way to the field come first
            await written.wait()
        if place + 1 == len(fields):
            self._finish()
        elif self._judge(FIELDS[place]):
            self.set_focus(fields[place + 1])  # at once, which focus() is not

    def on_descendant_focus(self) -> None:
        """Mark the field that takes the keys."""
        for name in FIELDS:
            field = self._field(name)
            title = str(field.border_title).removeprefix(f"{HERE} ")
            field.border_title = f"{HERE} {title}" if field is self.focused else title

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _judge(self, name: str) -> bool:
        """Return whether a field is filled in well; say what is wrong with it, and go back to it, where it is not."""
        wrong = _wrong(name, self._field(name).value.strip())
        self.query_one("#wrong", Label).update(Text(wrong))
        if wrong:
            self.set_focus(self._field(name))
            self._field(name).select_all()
        return not wrong

    def _finish(self) -> None:
        if self.is_current and all(self._judge(name) for name in FIELDS) and self._may_send():
            by, reason, minutes = (self._field(name).value.strip() for name in FIELDS)
            self.dismiss(Taken(by, reason, float(minutes) if minutes else None))

    def _may_send(self) -> bool:
        """Return whether the acknowledgement is sent; say why not, and ask where somebody else was faster."""
        asks = self._standing.is_new and not self._warned
        why = "Not sent: see above. Esc: close" if self._standing.blocked else ASK if asks else ""
        self._warned = self._warned or asks
        self.query_one("#wrong", Label).update(Text(why))
        return not why

    def action_cancel(self) -> None:
        """Close without an answer."""
        if self.is_current:
            self.dismiss(None)


def _titled(field: Input, title: str) -> Input:
    field.border_title = title
    return field


def _wrong(name: str, value: str) -> str:
    """Return what is wrong with a field; an empty text where nothing is."""
    if name == "by" and not value:
        return "Write who you are."
    if name == "by" and len(value) == 1 and value.isascii():
        return f"“{value}” is too short for a name: write who you are."
    if name == "reason" and not value:
        return "Write what you do about it."
    is_number = value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_MINUTES
    if name == "minutes" and value and not is_number:
        return f"Write minutes as a number from 1 to {MAX_MINUTES}, or nothing."
    return ""


class TextDialog(ModalScreen[None]):
    """Shows a text until a key is pressed; with `only_escape` until Escape is, so that typing does nothing else."""

    def __init__(self, title: str, text: str, *, only_escape: bool = False) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._only_escape = only_escape

    def compose(self) -> ComposeResult:
        """Build the dialog."""
        with Vertical(classes="dialog wide"):
            yield from self._parts()

    def _parts(self) -> ComposeResult:
        yield Label(Text(self._title), classes="title")
        yield Static(Text(self._text))
        yield Label(Text("Esc: close" if self._only_escape else "any key: close"), classes="hint")

    def on_key(self, event: events.Key) -> None:
        """Close, once: a second key may come before the dialog is gone."""
        event.stop()
        if self.is_current and (event.key == "escape" or not self._only_escape):
            self.dismiss(None)


class RefusalDialog(TextDialog):
    """Says why no alarm of a box can be acknowledged; names in red the other boxes that ring meanwhile.

    Parameters
    ----------
    view : View
        The box as it was when the dialog was opened.
    title, text : str

    """

    def __init__(self, view: View, title: str, text: str) -> None:
        super().__init__(title, text, only_escape=True)
        self._view = view
        self._others = Label("", id="others")
        self._others.display = False

    def compose(self) -> ComposeResult:
        """Build the dialog."""
        with Vertical(classes="dialog wide"):
            yield self._others
            yield from self._parts()

    def look(self, views: Sequence[View]) -> None:
        """Name the boxes that ring now."""
        others = others_ring(views, self._view)
        self._others.display = bool(others)
        self._others.update(Text(others))


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

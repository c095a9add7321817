"""The view of `gammabox-edge watch` on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from rich.text import Text
from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from edge.control_room.board import Board
from edge.control_room.watch.alarm_rows import alarm_details, alarm_heading, alarm_row, longest_name
from edge.control_room.watch.asking import Asked, refusal
from edge.control_room.watch.bell import Bell
from edge.control_room.watch.box_list import LineList
from edge.control_room.watch.dialogs import HELP, AcknowledgeDialog, EndDialog, RefusalDialog, Taken, TextDialog
from edge.control_room.watch.frame import banner, empty_text, forget_text, hints
from edge.control_room.watch.missed import Missed, key_of
from edge.control_room.watch.notes import SHORT_S, Notes
from edge.control_room.watch.outage import Absence
from edge.control_room.watch.overloads import Overloads
from edge.control_room.watch.reading import Reading, alarm_title
from edge.control_room.watch.requests import ANSWER_S, Requests, about
from edge.control_room.watch.rows import columns_for, counts_line, details, heading, matches, row
from edge.control_room.watch.style import STYLE
from edge.control_room.watch.terminal import StdoutDriver

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edge.control_room.board import SeenAlarm
    from edge.control_room.view import View
    from edge.control_room.watch.alarm_command import AlarmCommand
    from edge.control_room.watch.feed import Feed
    from edge.control_room.watch.requests import Outcome

REFRESH_S = 0.25


class WatchApp(App[None]):
    """Boxes by urgency, the details of one, and the alarms of this session.

    Parameters
    ----------
    feed : Feed
    clock : function
        Returns the time in UTC.
    broker : str
        The broker as it is shown.
    site : str or None
    on_alarm : AlarmCommand or None
    bell : bool
        Whether new alarms ring.
    zone : tzinfo or None
        Local zone; None for that of this machine.

    """

    CSS = STYLE
    TITLE = "Gammabox"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        ("a", "acknowledge", "acknowledge"),
        ("slash", "filter", "filter"),
        ("f", "attention", "hide calm"),
        ("h", "history", "alarms"),
        ("m", "mute", "mute"),
        ("d", "forget", "forget"),
        ("question_mark", "help", "help"),
        ("q", "end", "quit"),
        ("ctrl+c", "quit", "quit"),
    ]

    def __init__(
        self,
        feed: Feed,
        clock: Callable[[], datetime],
        *,
        broker: str,
        site: str | None = None,
        on_alarm: AlarmCommand | None = None,
        bell: bool = True,
        zone: tzinfo | None = None,
    ) -> None:
        super().__init__(driver_class=StdoutDriver)
        self._feed = feed
        self._clock = clock
        self._missed = Missed(clock())
        self._broker = broker
        self._site = site
        self._bell, self._rings = Bell(on_alarm), bell
        self._zone = zone
        self._board = Board()
        self._overloads = Overloads()
        self._absence = Absence()
        self._refusal: str | None = None
        self._wanted = ""
        self._hides_calm = False
        self._shows_alarms = False
        self._by = ""
        self._requests, self._reading = Requests(), Reading()
        self._asked: tuple[Asked, AcknowledgeDialog] | None = None
        self._banner, self._counts, self._heading = Static(id="banner"), Static(id="counts"), Static(id="heading")
        self._lines, self._empty = LineList(self._line), Static(id="empty")
        self._details, self._detail = VerticalScroll(id="details"), Static(id="detail")
        self._filter = Input(placeholder="name, place, state or reason; Esc: all", id="filter")
        self._hints, self._notes = Static(id="hints"), Notes()
        self._columns = columns_for(80, ())
        self._alarms: list[SeenAlarm] = []
        self._seconds: float | None = None
        self._all: list[View] = []
        self._views: list[View] = []

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield from (self._banner, self._counts, self._heading, self._lines, self._empty)
        with self._details:
            yield self._detail
        yield from (self._notes, self._filter, self._hints)

    def on_mount(self) -> None:
        """Begin."""
        self._lines.focus()
        self._filter.display = self._notes.display = False
        self.set_interval(REFRESH_S, self.look)
        if self._seconds is not None:
            self.set_timer(self._seconds, self.exit)
        self.look()

    def end_after(self, seconds: float) -> None:
        """End by itself after a time."""
        self._seconds = seconds

    def look(self) -> None:
        """Take the news in and show them."""
        if not self._lines.is_attached:  # the program ends
            return
        now = self._clock()
        news = self._feed.take()
        for arrived, arrival in news.arrivals:
            self._board.update(arrival, arrived)
        self._refusal = news.refusal
        self._absence.look(now, connected=news.connected)
        for answer in news.answers:
            self._tell(self._requests.outcome(answer, self._board.alarms))
        for outcome in (*self._requests.overdue(now), *self._requests.settled(self._board.alarms)):
            self._tell(outcome)
        self._notes.look(now)
        self._all = self._board.views(now, self._absence.since)
        self._overloads.update(self._all, now)
        if self._bell.look(self._all, now, lost=self._absence.since is not None) and self._rings:
            self.bell()
        for problem in self._bell.problems():
            self.say(problem, wrong=True)
        self.show()

    def show(self) -> None:
        """Draw what is known."""
        wanted = [view for view in self._all if not self._hides_calm or view.urgency != "calm"]
        self._views = [view for view in wanted if matches(view, self._wanted)]
        seen = (*self._board.alarms, *self._overloads.seen)
        self._alarms = sorted(seen, key=lambda alarm: alarm.raised, reverse=True)
        self._columns = columns_for(self._lines.width or self.size.width - 1, self._views)
        keys = [key_of(alarm) for alarm in self._alarms] if self._shows_alarms else [view.name for view in self._views]
        self._lines.display = bool(keys)
        self._lines.show(keys)
        self._show_frame()
        self._show_empty(visible=not keys)
        self._show_details()
        if isinstance(self.screen, RefusalDialog):
            self.screen.look(self._all)

    def _show_frame(self) -> None:
        width, lost = self.size.width, self._absence.since
        away = self._bell.away
        self._banner.set_class(lost is not None or away > 0, "lost")
        now, why = self._clock(), self._refusal
        self._banner.update(banner(now, self._site, self._broker, lost, self._zone, away=away, refusal=why))
        self._counts.update(counts_line(self._board.counts(self._all), width))
        above = alarm_heading(width, longest_name(self._alarms)) if self._shows_alarms else heading(self._columns)
        self._heading.update(above)
        missed = self._missed.update(self._alarms, listed=self._shows_alarms)
        urgent = {view.name for view in self._all if view.is_urgent}
        hidden = len(urgent - {view.name for view in self._views})
        off = self._bell.off_for(self._all)
        self._hints.update(hints(width, self._wanted, missed, hides=self._hides_calm, hidden=hidden, off=off))

    def _show_empty(self, *, visible: bool) -> None:
        self._empty.display = visible
        why: Literal["all", "filtered", "alarms"] = "filtered" if self._all else "all"
        self._empty.update(
            empty_text("alarms" if self._shows_alarms else why, self._broker, self._site, self._board.ignored)
        )

    def _show_details(self) -> None:
        now = self._clock()
        if self._asked is None:
            view = self._chosen
            self._reading.show(view, now)
        else:  # the list is behind the dialog, and may move
            asked, dialog = self._asked
            view = self._box(asked.view.site, asked.view.device)
            dialog.tell(asked.standing(view, now, self._zone))
        index = self._lines.index
        lines = alarm_details(self._alarms[index], self._zone, view) if self._shows_alarms and index is not None else []
        lines += [] if view is None else details(view, now, self._zone, off=self._bell.is_off(view))
        self._detail.update(Text("\n").join(lines))
        if self._reading.is_other(view):
            self._details.scroll_home(animate=False)

    def _line(self, place: int, width: int) -> Text:
        if self._shows_alarms:
            alarm, now = self._alarms[place], self._clock()
            view, new = self._box(alarm.site, alarm.device), self._missed.is_new(alarm)
            off, longest = view is not None and self._bell.is_off(view), longest_name(self._alarms)
            return alarm_row(alarm, width, longest, now, self._zone, new=new, view=view, off=off)
        shown = self._views[place]
        return row(shown, self._columns, self._clock(), off=self._bell.is_off(shown))

    @property
    def _chosen(self) -> View | None:
        index = self._lines.index
        if index is None:
            return None
        if self._shows_alarms:
            return self._box(self._alarms[index].site, self._alarms[index].device)
        return self._views[index]

    def _box(self, site: str, device: str) -> View | None:
        return next((view for view in self._all if (view.site, view.device) == (site, device)), None)

    def say(self, text: str, *, wrong: bool = False, about: str | None = None, seconds: float = SHORT_S) -> None:
        """Show a sentence for some seconds; `about` as in `Notes.say`."""
        self._notes.say(text, self._clock(), wrong=wrong, about=about, seconds=seconds)

    def _tell(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self.say(outcome.text, wrong=not outcome.well, about=outcome.about)

    def on_line_list_selected(self) -> None:
        """Show the details of another box."""
        self._reading.choose(self._chosen)
        self._show_details()
        self._details.scroll_home(animate=False)

    def action_acknowledge(self) -> None:
        """Ask who takes charge of the alarm, and why."""
        view = self._chosen
        refused = None if view is None else refusal(view)
        if view is not None and refused is not None:
            self.push_screen(RefusalDialog(view, *refused))
        if refused is not None or view is None or view.alarm is None:
            return
        now, asked = self._clock(), Asked(view, view.alarm.id)
        self._reading.show(view, now)
        before = self._reading.replaced(now)

        def taken(answer: Taken | None) -> None:
            self._asked = None
            self._lines.release()
            if answer is not None:
                self._by = answer.by
                latest = self._box(asked.view.site, asked.view.device) or asked.view
                self._acknowledge(latest, asked.alarm_id, answer)

        self._lines.hold()
        title = alarm_title(view, now, self._zone, several_sites=len({v.site for v in self._all}) > 1)
        read = "" if before is None else before.place or before.name
        dialog = AcknowledgeDialog(title, self._by, asked.standing(view, now, self._zone), read)
        self._asked = (asked, dialog)
        self.push_screen(dialog, taken)

    def _acknowledge(self, view: View, alarm_id: str, taken: Taken) -> None:
        if self._absence.since is not None:
            text, wrong = "Not sent: the connection is lost. Acknowledge the alarm again when it is back.", True
        else:
            self._feed.send(*self._requests.acknowledge(view, alarm_id, taken, self._clock()))
            text, wrong = f"Asking {view.name} to acknowledge its alarm …", False
        self.say(text, wrong=wrong, about=about(view, alarm_id), seconds=ANSWER_S)

    def action_filter(self) -> None:
        """Ask for a part of a name, place, state or reason."""
        self._filter.display = True
        self._filter.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while somebody types."""
        if event.input.id == "filter":
            self._wanted = event.value.strip()
            self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter."""
        if event.input.id == "filter":
            self._close_filter()

    def on_key(self, event: events.Key) -> None:
        """Go back from the list of alarms, and take messages and the filter away with Escape."""
        if event.key == "escape" and self.screen is self.screen_stack[0]:
            self._notes.clear()
            self._filter.value = self._wanted = ""
            if self._shows_alarms:
                self.action_history()
            self._close_filter()
            self.show()

    def _close_filter(self) -> None:
        self._filter.display = False
        self._lines.focus()

    def action_attention(self) -> None:
        """Hide calm boxes, or show them."""
        self._hides_calm = not self._hides_calm
        self.show()

    def action_history(self) -> None:
        """Show the alarms of this session, or the boxes."""
        self._shows_alarms = not self._shows_alarms
        self._lines.action_first()
        self.show()

    def action_mute(self) -> None:
        """Silence on this screen all that rings now."""
        self.say(self._bell.mute(self._all))
        self.show()

    def action_forget(self) -> None:
        """Show how a box that is gone for good is forgotten."""
        view = self._chosen
        if view is not None:
            self.push_screen(TextDialog(f"Forget {view.name}", forget_text(view, self._broker)))

    def action_help(self) -> None:
        """Show the states and the keys."""
        self.push_screen(TextDialog("States and keys", HELP))

    def action_end(self) -> None:
        """Ask whether the view ends, as the list of alarms goes with it."""
        self.push_screen(EndDialog(), lambda ends: self.exit() if ends else None)

"""The scrolling list of boxes. It draws the visible lines only, so that a thousand boxes are as fluid as ten."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.binding import BindingType

MARK = "▶"
SELECTED = Style(bgcolor="#37506b", bold=True)


class LineList(ScrollView, can_focus=True):
    """Lines of which one is selected.

    Until a line is selected with the keys or the mouse, the first one is, whatever it is: the most urgent. Home goes
    back to that. A line is known by its key, so it stays selected wherever it moves.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("up", "move(-1)", "up"),
        ("down", "move(1)", "down"),
        ("k", "move(-1)", "up"),
        ("j", "move(1)", "down"),
        ("pageup", "page(-1)", "page up"),
        ("pagedown", "page(1)", "page down"),
        ("home", "first", "most urgent"),
        ("end", "last", "last"),
    ]

    class Selected(Message):
        """Another line is selected."""

    def __init__(self, draw: Callable[[int, int], Text]) -> None:
        super().__init__(id="boxes")
        self._draw = draw
        self._keys: tuple[str, ...] = ()
        self._places: dict[str, int] = {}
        self._key: str | None = None
        self._follows_after = False

    @property
    def index(self) -> int | None:
        """Place of the selected line; None in an empty list."""
        if not self._keys:
            return None
        return self._places.get(self._key or "", 0)

    @property
    def width(self) -> int:
        """Cells of a line, without the scroll bar."""
        return self.scrollable_content_region.width

    def show(self, keys: Sequence[str]) -> None:
        """Take other lines, each with a key."""
        before = self.index
        self._keys = tuple(keys)
        self._places = {key: place for place, key in enumerate(self._keys)}
        if self._key is not None and self._key not in self._places:
            # The selected box is gone or filtered out: its neighbour takes its place.
            self._key = self._keys[min(before or 0, len(self._keys) - 1)] if self._keys else None
        self.virtual_size = Size(1, len(self._keys))
        self.refresh()

    def hold(self) -> None:
        """Keep the selected line selected, until `release`."""
        self._follows_after = self._key is None
        if self._key is None and self._keys:
            self._key = self._keys[0]

    def release(self) -> None:
        """Select as before `hold`."""
        if self._follows_after:
            self._key = None
        self._follows_after = False
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a visible line."""
        place = y + self.scroll_offset.y
        width = self.width
        if place >= len(self._keys):
            return Strip.blank(width, self.rich_style)
        selected = place == self.index
        text = self._draw(place, width)
        if selected:
            text = Text(MARK).append_text(text[1:])
        segments = (segment for segment in text.render(self.app.console) if segment.text != "\n")
        strip = Strip(Segment.apply_style(segments, self.rich_style)).adjust_cell_length(width, self.rich_style)
        return Strip([_highlighted(segment, self.rich_style) for segment in strip]) if selected else strip

    def action_move(self, lines: int) -> None:
        """Select the line so many further down."""
        if self.index is not None:
            self._select(self.index + lines)

    def action_page(self, pages: int) -> None:
        """Select a line a page further down."""
        self.action_move(pages * max(self.size.height - 1, 1))

    def action_first(self) -> None:
        """Select the first line from now on, whatever it is."""
        self._key = None
        self.scroll_to(y=0, animate=False)
        self.refresh()
        self.post_message(self.Selected())

    def action_last(self) -> None:
        """Select the last line."""
        self._select(len(self._keys) - 1)

    def on_click(self, event: events.Click) -> None:
        """Select the line under the mouse."""
        place = event.y + self.scroll_offset.y
        if place < len(self._keys):
            self._select(place)

    def _select(self, place: int) -> None:
        if not self._keys:
            return
        place = min(max(place, 0), len(self._keys) - 1)
        self._key = self._keys[place]
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if place < top or place >= top + height:
            self.scroll_to(y=place if place < top else place - height + 1, animate=False)
        self.refresh()
        self.post_message(self.Selected())


def _highlighted(segment: Segment, usual: Style) -> Segment:
    """Return a part of the selected line; a state keeps its own colours."""
    style = segment.style or usual
    return Segment(segment.text, style + SELECTED if style.bgcolor == usual.bgcolor else style)

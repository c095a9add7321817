"""The view as it is at one moment, for output that is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control_room.watch.frame import banner
from edge.control_room.watch.rows import columns_for, counts_line, details, heading, row

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from rich.text import Text

    from edge.control_room.board import Board

MAX_ROWS = 20


def still(board: Board, now: datetime, width: int = 80, zone: tzinfo | None = None) -> list[Text]:
    """Return the lines of the view: counts, the most urgent boxes, and the details of the first one.

    Parameters
    ----------
    board : Board
    now : datetime
    width : int
        Cells of a line; the details are not broken.
    zone : tzinfo or None
        Local zone; None for that of this machine.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> from edge.control_room.board import Board
    >>> lines = still(Board(), datetime(2026, 1, 2, tzinfo=timezone.utc), zone=timezone.utc)
    >>> print(lines[1].plain)
     alarm 0  overload 0  fault 0  lost 0  learning 0  calm 0  0 boxes

    """
    views = board.views(now)
    columns = columns_for(width, views)
    lines = [banner(now, None, "", None, zone), counts_line(board.counts(views), width), heading(columns)]
    lines += [row(view, columns, now) for view in views[:MAX_ROWS]]
    for view in views[:1]:
        lines += [*details(view, now, zone)]
    return lines

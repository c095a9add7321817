"""The command `gammabox-edge archive`: keeps what all boxes report."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from edge.control_room.archive import Archive, Retention
from edge.control_room.archive_file import ArchiveFile
from edge.redaction import RedactingFormatter
from edge.text import counted

if TYPE_CHECKING:
    from edge.commands.archive_options import ArchiveOptions
    from edge.commands.broker import BrokerOptions


def archive(broker: BrokerOptions, options: ArchiveOptions, *, as_json: bool) -> None:
    """Keep what boxes report until a signal arrives, or for a time.

    Raises
    ------
    ArchiveError
        The file is in use, or it cannot be opened.
    BrokerError
        The files of the login cannot be read.

    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    if options.seconds is not None:
        timer = threading.Timer(options.seconds, stop.set)
        timer.daemon = True
        timer.start()
    retention = Retention(options.keep_days, options.keep_rates_days)
    with closing(ArchiveFile(options.file, options.rates_every)) as file:
        keeper = Archive(broker.settings(), file, broker.site, options.client_id, retention)
        keeper.run(stop)
    kept = {"file": str(options.file), "messages": keeper.kept}
    print(json.dumps(kept) if as_json else f"{counted(keeper.kept, 'message')} kept in {options.file}")

"""The heartbeat of the agent: what it says of itself every other second, for the updater beside it."""

from __future__ import annotations

import logging
import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from edge.files import why
from edge.updater.heartbeat import MAX_FAULTS, MAX_LETTERS, Heartbeat, write_heartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.config.device import MqttSettings
    from edge.pipeline import Account

log = logging.getLogger(__name__)

EVERY_S = 2.0
LOOKS = 6
"""Frame rate and live fraction are those of the last ten seconds."""
FILE = "heartbeat.json"
VARIABLE = "RUNTIME_DIRECTORY"
"""systemd names the folder by it; it lies in memory and ends with the service."""


class Heart:
    """Writes the heartbeat of one run; does nothing where the agent is no service.

    Parameters
    ----------
    boot_id : str
    broker : MqttSettings
    folder : Path or None
        By default the one that systemd has made.

    """

    def __init__(self, boot_id: str, broker: MqttSettings, folder: Path | None = None) -> None:
        named = os.environ.get(VARIABLE, "").partition(":")[0]
        self._folder = folder or (Path(named) if named else None)
        self._boot_id = boot_id
        self._broker = (broker.host, broker.port)
        self._looks: deque[tuple[float, Account]] = deque(maxlen=LOOKS)
        self._failed = False

    def beat(self, account: Account, faults: Mapping[str, str], now_s: float, *, online: bool) -> None:
        """Write a heartbeat where it is time to.

        Parameters
        ----------
        account : Account
            Sums over all frames since the start.
        faults : mapping of str to str
            Those that stand, a sentence by name.
        now_s : float
            Monotonic time.
        online : bool
            Whether the box is connected to its broker.

        """
        if self._folder is None or (self._looks and now_s - self._looks[-1][0] < EVERY_S):
            return
        before_s, before = self._looks[0] if self._looks else (now_s, account)
        self._looks.append((now_s, account))
        lately, passed_s = account.since(before), now_s - before_s
        heartbeat = Heartbeat(
            boot_id=self._boot_id,
            beat_s=now_s,
            frames=account.analysed,
            fps=lately.analysed / passed_s if passed_s else 0.0,
            live_fraction=lately.live_fraction,
            online=online,
            broker=self._broker,
            faults=tuple(fault[:MAX_LETTERS] for fault in list(faults.values())[:MAX_FAULTS]),
        )
        try:
            write_heartbeat(self._folder / FILE, heartbeat)
        except OSError as error:
            if not self._failed:
                log.warning("the heartbeat cannot be written (%s); an update would be rolled back", why(error))
            self._failed = True

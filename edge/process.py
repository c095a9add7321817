"""The settings of a process that analyses frames, and the agent as the only one of its box."""

from __future__ import annotations

import ctypes
import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import cv2

from edge.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# malloc.h of glibc
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 64 << 20
"""More free memory than this goes back to the system: several times what the pictures of a frame take."""
_MAPPED_BYTES = 32 << 20


def set_up_process() -> None:
    """Set up this process to analyse frames.

    OpenCV works in the thread that calls it: on small pictures its own threads cost more than they bring, and the cores
    are for successive frames. The C library keeps the memory of the pictures of a frame for the next one: to get it
    anew from the system took an eighth of the processor time. Where there is no glibc, nothing is set.
    """
    cv2.setNumThreads(1)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
    mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


@contextmanager
def only_agent(outbox: Path) -> Iterator[None]:
    """Keep other agents from the files of a box: they would drive each other from the broker without end.

    The lock ends with the process, however that ends. Where no lock can be had, as on a read-only disk, there is none.

    Parameters
    ----------
    outbox : Path
        The outbox of the box; the lock lies beside it.

    Raises
    ------
    OutputError
        Another agent uses them.

    """
    lock = -1
    with suppress(OSError):
        outbox.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(outbox.with_name(f"{outbox.name}.lock"), os.O_RDONLY | os.O_CREAT, 0o644)
    if lock < 0:
        yield
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            advice = "stop it first: sudo systemctl stop gammabox-edge, where it is the service"
            raise OutputError(outbox, "another agent of this box runs and uses it", advice) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(lock)

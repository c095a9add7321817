"""Work on the agent's files with the rights of the agent: root writes through no link that the agent's user laid."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from edge.updater.errors import UpdaterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)


def as_owner(folder: Path, work: Callable[[], object]) -> None:
    """Do some work in a child process that belongs to the owner of a folder; at once where that is this process.

    Raises
    ------
    UpdaterError
        The child has failed; the log says why.

    """
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        work()
        return
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(owner.st_gid)
            os.setuid(owner.st_uid)
            work()
            code = 0
        except Exception:  # whatever it is: os._exit would end the child without a word about it
            log.exception("the agent's files")
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status:
        raise UpdaterError(f"{folder}: the work on it has failed (status {os.waitstatus_to_exitcode(status)})")

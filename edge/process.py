"""The settings of a process that analyses frames."""

from __future__ import annotations

import ctypes

import cv2

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

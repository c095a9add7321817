"""USB cameras through V4L2: raw Motion JPEG, with the mode and the exposure that the camera accepts.

It is untested on real hardware.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edge.capture.base import Mode, quiet_opencv
from edge.capture.controls import Held, Wanted
from edge.capture.live import FIRST_PAUSE_S, LiveSource, LostError, RawPicture
from edge.capture.v4l2_controls import Controls, fix_controls
from edge.errors import SourceError

if TYPE_CHECKING:
    from edge.capture.live import Clock

DEFAULT_SIZE = (1920, 1080)
CONTROLS_CHECK_S = 30.0
"""Cameras lose their settings when the hub resets them, so they are read back again and again."""
LONGEST_CONTROLS_PAUSE_S = 600.0
_MJPG = cv2.VideoWriter.fourcc(*"MJPG")


class V4l2Source(LiveSource):
    """A V4L2 camera.

    Parameters
    ----------
    device : str
        A path under /dev/v4l/by-path or /dev/videoN. The first is better: the numbers of /dev/video change from boot
        to boot, and cameras of one model may share a serial number.
    size : (int, int) or None
        Wanted width and height. Where the camera delivers another size, the report says so.
    fps : float or None
        Wanted frames a second.
    wanted : Wanted or None
        Exposure, gain and white balance; None leaves them to the camera.

    Raises
    ------
    SourceError
        The device does not exist, may not be opened, is in use, or delivers no picture.

    """

    def __init__(
        self,
        device: str,
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        wanted: Wanted | None = None,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(device, fps=fps, first_pause_s=first_pause_s, clock=clock)
        quiet_opencv()
        self._size = size or DEFAULT_SIZE
        self._fps = fps
        self._wanted = wanted if wanted is not None else Wanted()
        self._held = Held()
        self._controls_s = 0.0
        self._controls_pause_s = CONTROLS_CHECK_S
        self._capture: cv2.VideoCapture | None = None
        self._raw = False
        self._start()

    def _connect(self) -> None:
        _check_device(self.spec)
        capture = cv2.VideoCapture(self.spec, cv2.CAP_V4L2)
        self._capture = capture
        if not capture.isOpened():
            raise SourceError(
                self.spec, "does not open as a camera", "another program may hold it, or it is no capture device"
            )
        self._negotiate(capture)
        self._expose()

    def _negotiate(self, capture: cv2.VideoCapture) -> None:
        """Ask for Motion JPEG, size and rate, in this order, and read back what the camera accepted."""
        width, height = self._size
        capture.set(cv2.CAP_PROP_FOURCC, _MJPG)
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if self._fps is not None:
            capture.set(cv2.CAP_PROP_FPS, self._fps)
        # Without conversion OpenCV returns the JPEG as the camera sent it.
        self._raw = int(capture.get(cv2.CAP_PROP_FOURCC)) == _MJPG and bool(capture.set(cv2.CAP_PROP_CONVERT_RGB, 0))
        if not self._raw:
            self._warn(
                "codec",
                "the camera delivers no Motion JPEG; OpenCV converts its pictures, often at few frames a second",
            )
        held = Mode(
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            float(capture.get(cv2.CAP_PROP_FPS)),
            "Motion JPEG" if self._raw else "raw",
        )
        if (held.width, held.height) != self._size:
            self._warn(
                "asked size",
                f"the camera delivers {held.width}x{held.height} instead of the {width}x{height} asked for",
            )
        if self._fps is not None and abs(held.fps - self._fps) > 0.5:
            self._warn(
                "asked rate",
                f"the camera delivers {held.fps:g} frames a second instead of the {self._fps:g} asked for",
            )
        if self._mode is None:
            self._mode = held

    def _expose(self) -> None:
        """Set the controls and read them back."""
        self._controls_s = time.monotonic()
        try:
            with Controls(self.spec) as controls:
                self._held = fix_controls(controls, self._wanted)
        except OSError as error:
            self._held = Held(refused=(f"its controls cannot be opened ({error.strerror})",))
        self._hold(self._held)

    def _check_controls(self) -> None:
        """Set the controls again where the camera has lost them, and now and then where it refuses them."""
        if time.monotonic() - self._controls_s < self._controls_pause_s:
            return
        self._controls_s = time.monotonic()
        try:
            with Controls(self.spec) as controls:
                lost = any(controls.get(number) != value for number, value in self._held.values.items())
        except OSError:
            lost = True
        if lost:
            self._warn_of_event("controls", "the camera lost its exposure, gain or white balance: they were set again")
        if lost or self._held.refused:
            self._expose()
        refused = bool(self._held.refused)
        longer_s = min(2 * self._controls_pause_s, LONGEST_CONTROLS_PAUSE_S)
        self._controls_pause_s = longer_s if refused else CONTROLS_CHECK_S

    def _take(self) -> RawPicture:
        if self._capture is None:
            raise LostError("the camera is closed")
        self._check_controls()
        is_read, picture = self._capture.read()
        if not is_read:
            raise LostError("the camera delivers no picture any more")
        stamp_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1e3  # time stamp of the driver
        return RawPicture(
            jpeg=picture.tobytes() if self._raw else None,
            pixels=None if self._raw else picture,
            exposure_s=self._held.exposure_s,
            gain=self._held.gain,
            stamp_s=stamp_s if stamp_s > 0 else None,
        )

    def _disconnect(self) -> None:
        # Some drivers hang here. close() waits for the reading thread only for a limited time.
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _check_device(device: str) -> None:
    try:
        kind = Path(device).stat().st_mode
    except OSError as error:
        problem = "no such device" if error.errno == errno.ENOENT else f"cannot be looked at ({error.strerror})"
        raise SourceError(device, problem, "plug the camera in; `ls /dev/v4l/by-path` lists the cameras") from error
    if not stat.S_ISCHR(kind):
        raise SourceError(device, "is no camera device", "name /dev/videoN or a path under /dev/v4l/by-path")
    if not os.access(device, os.R_OK | os.W_OK):
        raise SourceError(device, "cannot be opened by this user", "add the user to the group `video` and log in again")

"""CSI cameras of a Raspberry Pi through picamera2: brightness directly from YUV, without any JPEG.

It is untested on real hardware.
"""

from __future__ import annotations

import importlib
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.capture.base import USUAL_FPS, Mode
from edge.capture.controls import AUTOMATIC_EXPOSURE, Held, Wanted
from edge.capture.live import FIRST_PAUSE_S, LiveSource, LostError, RawPicture
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.capture.frame import Image
    from edge.capture.live import Clock

DEFAULT_SIZE = (1920, 1080)
PICTURE_BACKLOG = 4  # a picture of 1080p is 3 MB
BUFFERS = 6
NOISE_REDUCTION_OFF = 0  # libcamera.controls.draft.NoiseReductionModeEnum.Off
TAKE_LIMIT_S = 10.0
READINGS = 25
"""The controls are read back from each 25th picture."""
TOLERANCE = 0.05
MIN_TOLERANCE_S = 1e-4


class PicameraSource(LiveSource):
    """A CSI camera.

    Noise reduction is switched off, as it removes hits, above all where it combines several frames.

    Parameters
    ----------
    number : int
        Number of the camera, from 0.
    size : (int, int) or None
        Width and height, both even.
    fps : float or None
        Frames a second, 25 by default.
    wanted : Wanted or None
        Exposure time, analogue gain, and the gains of red and blue; None leaves them automatic. A fixed exposure
        without a gain is taken with a gain of 1.

    Raises
    ------
    SourceError
        picamera2 is not installed, there is no such camera, or it does not start.

    """

    def __init__(
        self,
        number: int,
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        wanted: Wanted | None = None,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(f"csi:{number}", fps=fps, backlog=PICTURE_BACKLOG, first_pause_s=first_pause_s, clock=clock)
        self._number = number
        self._size = size or DEFAULT_SIZE
        self._fps = fps or USUAL_FPS
        self._wanted = wanted if wanted is not None else Wanted()
        self._readings: deque[Mapping[str, Any]] = deque(maxlen=READINGS)
        self._camera: Any = None
        if self._size[0] % 2 or self._size[1] % 2:
            raise SourceError(self.spec, f"{self._size[0]}x{self._size[1]} was asked for", "YUV 4:2:0 needs even sides")
        self._start()

    def _connect(self) -> None:
        try:
            library = importlib.import_module("picamera2")
        except ImportError as error:
            raise SourceError(
                self.spec,
                f"picamera2 cannot be imported ({error})",
                "on Raspberry Pi OS: apt install python3-picamera2, and a venv with --system-site-packages",
            ) from error
        try:
            self._camera = library.Picamera2(self._number)
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": self._size, "format": "YUV420"},
                    buffer_count=BUFFERS,
                    controls=_controls(self._fps, self._wanted),
                )
            )
            self._camera.start()
        except (RuntimeError, IndexError, ValueError) as error:
            raise SourceError(
                self.spec,
                f"does not start ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
                "check the ribbon cable; `rpicam-hello --list-cameras` lists the cameras",
            ) from error
        width, height = self._camera.camera_configuration()["main"]["size"]
        if (width, height) != self._size:
            self._warn(
                "asked size",
                f"the camera delivers {width}x{height} instead of the {self._size[0]}x{self._size[1]} asked for",
            )
        self._size = (width, height)
        if self._mode is None:
            self._mode = Mode(width, height, self._fps, "YUV 4:2:0")
        self._readings.clear()
        self._hold(held_by(self._wanted, {}))

    def _take(self) -> RawPicture:
        if self._camera is None:
            raise LostError("the camera is closed")
        try:
            request = self._camera.capture_request(wait=TAKE_LIMIT_S)
        except (RuntimeError, TimeoutError) as error:
            raise LostError(f"the camera delivers no picture any more ({type(error).__name__})") from error
        try:
            planes = request.make_array("main")  # a copy: the buffer goes back to the camera
            metadata = request.get_metadata()
        finally:
            request.release()
        self._readings.append(metadata)
        if len(self._readings) == READINGS:  # a control is in force some frames after it was set
            self._hold(held_by(self._wanted, metadata))
            self._readings.clear()
        stamp_ns = metadata.get("SensorTimestamp")
        exposure_us, gain = metadata.get("ExposureTime"), metadata.get("AnalogueGain")
        return RawPicture(
            i420=unpad_i420(planes, *self._size),
            exposure_s=None if exposure_us is None else exposure_us * 1e-6,
            gain=None if gain is None else float(gain),
            stamp_s=None if stamp_ns is None else stamp_ns * 1e-9,
        )

    def _disconnect(self) -> None:
        if self._camera is not None:
            camera, self._camera = self._camera, None
            camera.close()


def _controls(fps: float, wanted: Wanted) -> dict[str, object]:
    period_us = round(1e6 / fps)
    controls: dict[str, object] = {
        "FrameDurationLimits": (period_us, period_us),
        "NoiseReductionMode": NOISE_REDUCTION_OFF,
    }
    if wanted.exposure_s is not None:
        # This switches automatic gain off, too.
        controls |= {"AeEnable": False, "ExposureTime": round(wanted.exposure_s * 1e6), "AnalogueGain": 1.0}
    if wanted.gain is not None:
        controls["AnalogueGain"] = wanted.gain
    if isinstance(wanted.white_balance, tuple):
        controls |= {"AwbEnable": False, "ColourGains": wanted.white_balance}
    elif wanted.white_balance is not None:
        controls |= {"AwbEnable": False, "ColourTemperature": round(wanted.white_balance)}
    return controls


def held_by(wanted: Wanted, metadata: Mapping[str, Any]) -> Held:
    """Return what a camera makes of its controls, from the metadata of a picture. What it does not tell is believed."""
    refused = []
    exposure_us, gain = metadata.get("ExposureTime"), metadata.get("AnalogueGain")
    colours = metadata.get("ColourGains")
    if wanted.exposure_s is not None and exposure_us is not None:
        exposure_s = exposure_us * 1e-6
        if abs(exposure_s - wanted.exposure_s) > max(TOLERANCE * wanted.exposure_s, MIN_TOLERANCE_S):
            refused.append(f"it exposes {exposure_s * 1e3:g} ms instead of {wanted.exposure_s * 1e3:g} ms")
    if wanted.gain is not None and gain is not None and abs(gain - wanted.gain) > TOLERANCE * wanted.gain:
        refused.append(f"it has a gain of {gain:.3g} instead of {wanted.gain:g}")
    if isinstance(wanted.white_balance, tuple) and colours is not None:
        pairs = zip(wanted.white_balance, colours, strict=True)
        if any(abs(asked - held) > TOLERANCE * asked for asked, held in pairs):
            refused.append(f"it has the colour gains {colours[0]:.3g} and {colours[1]:.3g}")
    warnings = {"exposure": AUTOMATIC_EXPOSURE} if wanted.exposure_s is None else {}
    return Held(refused=tuple(refused), warnings=warnings)


def unpad_i420(planes: Image, width: int, height: int) -> Image:
    """Return a picture without the bytes by which the hardware pads each line.

    Parameters
    ----------
    planes : uint8 array, shape (3 * height / 2, stride)
        The picture from picamera2: brightness in lines of `stride` bytes, then both colours in lines of half of that.

    Returns
    -------
    uint8 array, shape (3 * height / 2, width)

    """
    stride = planes.shape[1]
    if stride == width:
        return planes
    flat = planes.ravel()
    luma = flat[: height * stride].reshape(height, stride)[:, :width]
    chroma = flat[height * stride :].reshape(height, stride // 2)[:, : width // 2]  # both colours, U before V
    return np.concatenate([luma.ravel(), chroma.ravel()]).reshape(height * 3 // 2, width)

"""The procedure of a calibration: dark first, then the view, then the file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge import __version__
from edge.detect.detector import Detector
from edge.detect.known_camera import KnownCamera
from edge.site.calibration import Calibration, Darkness, SiteBackground, View, identity_of
from edge.site.dark import DarkNoise, measure_dark
from edge.site.survey import survey
from edge.telemetry.health import temperature_c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge.capture.base import Mode
    from edge.capture.frame import Frame
    from edge.capture.view_watch import Reference
    from edge.config.device import DeviceSettings
    from edge.detect.manifest import Bundle
    from edge.pipeline import Account
    from edge.site.survey import Survey


@dataclass(frozen=True, slots=True)
class DarkPart:
    """What the covered part has found.

    Attributes
    ----------
    noise : DarkNoise
    account : Account
        Of the hits that fell on the covered camera.
    seconds : float
        From the first frame to the last.
    target_share : float
        Share of dark frames that may hold a spike above the threshold.

    """

    noise: DarkNoise
    account: Account
    seconds: float
    target_share: float

    @property
    def threshold_dn(self) -> int:
        """Smallest spike that noise alone seldom reaches."""
        return self.noise.threshold_dn(self.target_share)


class Procedure:
    """Measures one camera in two parts, and puts the calibration together.

    Parameters
    ----------
    settings : DeviceSettings
    bundle : Bundle
        The model of the box.
    mode : Mode
        What the camera delivers.

    """

    def __init__(self, settings: DeviceSettings, bundle: Bundle, mode: Mode) -> None:
        self._settings = settings
        self._bundle = bundle
        self._size = (mode.width, mode.height)
        self._identity = identity_of(settings.source, mode, bundle.manifest.sha256)

    def dark(
        self, frames: Iterable[Frame], seconds: float, noise_rate_hz: float, progress: Callable[[float], None]
    ) -> DarkPart:
        """Measure the covered camera.

        Parameters
        ----------
        frames : iterable of Frame
        seconds : float
        noise_rate_hz : float
            Candidates a second that noise alone may give.
        progress : callable
            Called with the seconds measured so far.

        Raises
        ------
        LightLeakError
            The lens was not covered.
        ValueError
            There are no three frames in a row.

        """
        spent = 0.0

        def passed(now_s: float) -> None:
            nonlocal spent
            spent = now_s
            progress(now_s)

        noise, account = measure_dark(frames, Detector(self._bundle, self._settings.detection), seconds, passed)
        fps = noise.frames / max(spent, 1e-3)
        return DarkPart(noise, account, max(spent, 1e-3), min(max(noise_rate_hz / fps, 1e-6), 0.5))

    def view(
        self, frames: Iterable[Frame], dark: DarkPart, seconds: float, progress: Callable[[float], None]
    ) -> Survey:
        """Measure the view with the hot pixels and the threshold of the dark part.

        Raises
        ------
        UnusableViewError
            No background can be told from it.

        """
        known = KnownCamera(self._size, None, dark.noise.hot_pixels, dark.threshold_dn)
        detector = Detector(self._bundle, self._settings.detection, known=known)
        return survey(frames, detector, self._settings.alarm, seconds, progress)

    def calibration(self, dark: DarkPart, view: Survey, reference: Reference | None) -> Calibration:
        """Put both parts together. `reference` is what the source says of its view."""
        noise, account = dark.noise, view.account
        return Calibration(
            measured_utc=datetime.now(timezone.utc).replace(microsecond=0),
            software=__version__,
            temperature_c=temperature_c(),
            identity=self._identity,
            dark=Darkness(
                frames=noise.frames,
                seconds=round(dark.seconds, 3),
                mean_dn=round(noise.mean_dn, 3),
                sigma_dn=round(noise.median_sigma_dn, 3),
                maxima=noise.maxima.tolist(),
                target_share=dark.target_share,
                threshold_dn=dark.threshold_dn,
                hot_pixels=list(noise.hot_pixels),
                hits=dark.account.live_hits,
                live_s=round(dark.account.live_s, 3),
            ),
            noise_dn=[[round(value, 2) for value in row] for row in view.sigma_dn.tolist()],
            background=SiteBackground(
                frames=account.analysed,
                seconds=round(view.seconds, 3),
                hits=account.live_hits,
                live_s=account.live_s,
                live_fraction=min(account.live_fraction or 0.0, 1.0),
                sensitivity=min(account.sensitivity or 0.0, 1.0),
                brightness_dn=round(view.brightness_dn, 2),
            ),
            view=None if reference is None else View.model_validate(reference.as_dict()),
        )

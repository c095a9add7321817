"""What a detector learns of its camera from frame to frame, until the mode or the size of the picture changes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from edge.detect.faint import MIN_UNSURE
from edge.detect.field import FieldWatch
from edge.detect.noise_model import NoiseModel
from edge.detect.shaking import is_shaken
from edge.detect.steady import steadied
from edge.detect.view import FrameCache, mask_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.capture.frame import Frame, Image, Triple
    from edge.config.picture import Mask
    from edge.detect.fast_path import FastPathResult
    from edge.detect.hit import Hit
    from edge.detect.known_camera import KnownCamera
    from edge.detect.manifest import CandidateRules

FEEDBACK_FRAMES = 4
"""What hits teach of the camera is used from so many frames later on. Meanwhile these frames may be worked on."""
_NEWEST_SHARE = 1 / 25
"""Weight of the newest frame in the mean of the crowd; the last second counts most."""
_OLDER = 2
"""Frames before those of the triple that show what stands there all the time."""


class CameraState:
    """The noise and the closed places of one camera in one mode and at one size of picture.

    Parameters
    ----------
    triple : Triple
        First triple of the camera.
    rules : CandidateRules
    masks : sequence of Mask
    known : KnownCamera or None
        What a calibration says of the camera; left aside where the pictures have another size.

    """

    def __init__(
        self, triple: Triple, rules: CandidateRules, masks: Sequence[Mask], known: KnownCamera | None = None
    ) -> None:
        frame = triple.current
        width, height = frame.size
        self._mode = (frame.mode, frame.size)
        mask = mask_picture(masks, width, height)
        self.frames = FrameCache(mask)
        greys = self.frames.masked(triple).greys
        previous, _, following = (steadied(greys, mask) if is_shaken(*greys) else None) or greys
        if known is None or known.size != frame.size:
            self.noise = NoiseModel(rules, previous, following, mask)
        else:
            self.noise = NoiseModel(rules, previous, following, known.closed(mask), known.sigma_dn)
        self.field = FieldWatch()
        self._crowd: float | None = None
        self._unsure = 0.0
        self._frames = 0
        self._lessons: deque[tuple[int, Sequence[Hit], float]] = deque()
        self.older: deque[Image] = deque(maxlen=_OLDER)

    @property
    def crowd(self) -> float | None:
        """The crowd as it was updated last; None before the first frame."""
        return self._crowd

    def is_unsure(self, refused: int) -> bool:
        """Return whether the classifier refuses much by little, in the mean of the last second with this frame."""
        self._unsure += _NEWEST_SHARE * (refused - self._unsure)
        return self._unsure >= MIN_UNSURE

    def fits(self, frame: Frame) -> bool:
        """Return whether a frame has the mode and the size of the first one."""
        return self._mode == (frame.mode, frame.size)

    def next_number(self) -> int:
        """Return the number of the next frame, from 0, when the lessons of the frames long enough before are learnt."""
        while self._lessons and self._lessons[0][0] <= self._frames - FEEDBACK_FRAMES:
            _, hits, live_fraction = self._lessons.popleft()
            self.noise.close_blinking(hits, live_fraction)
        self._frames += 1
        return self._frames - 1

    def teach(self, number: int, hits: Sequence[Hit], live_fraction: float) -> None:
        """Remember the hits of a frame until it is time to learn from them. It may be called from another thread."""
        if hits:
            self._lessons.append((number, hits, live_fraction))

    def update_crowd(self, refused: float) -> float:
        """Update the crowd with one frame and return it.

        It is the running mean of how many candidates of a frame the screen passes and the classifier refuses.
        """
        before = refused if self._crowd is None else self._crowd
        self._crowd = before + _NEWEST_SHARE * (refused - before)
        return self._crowd

    def observe(self, found: FastPathResult) -> None:
        """Learn noise from what the fast path saw in a frame.

        Nothing is learnt while the camera shakes, else its edges would soon count as noise, nor in a strong field.
        """
        if not found.shaken and found.overload is None:
            self.noise.observe(found.motion_dn)

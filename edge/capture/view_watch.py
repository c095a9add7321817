"""Judges by the picture whether a lens is covered, the picture black or saturated, out of focus, or another view."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.camera_fault import Sign
from edge.capture.picture_facts import VIEW_SIZE, agreement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.capture.camera_fault import FaultName
    from edge.capture.picture_facts import PictureFacts, View

SETTLE_S = 10.0
"""After so long the view counts as known."""
USUAL_S = 60.0
"""Time constant of the usual contrast."""
SMOOTH_S = 5.0
"""Time constant in which things that pass fade from the view."""
ADAPT_S = 1800.0
"""Time constant in which the known view follows day and night."""
ADOPT_S = 3600.0
"""A view that has changed for so long is taken for the new one, unless the known one was calibrated."""

DARK_DN, LIT_DN = 16.0, 22.0
BLINDED_SHARE, SEEING_SHARE = 0.5, 0.35
MIN_CONTRAST_DN = 8.0
COVERED_SHARE, UNCOVERED_SHARE = 0.25, 0.5
COVERED_COARSE_SHARE = 0.35
UNCOVERED_TIMES = 3.0
SUDDEN_SHARE = 0.6
SUDDEN_S = 10.0
MIN_COARSE_DN = 40.0
SOFT_SHARE, SHARP_SHARE = 0.45, 0.6
SAME_LIGHT = 2.0
OTHER_VIEW, SAME_VIEW = 0.2, 0.4
SHIFTED_VIEW, SHIFTED_BETTER = 0.55, 0.25
STEADY_VIEW = 0.5
JUDGE_S = 1.0
_STEADY_STEPS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What a camera is to show: taken by calibration, or when the watch began.

    Attributes
    ----------
    sharpness, mean_dn : float
        As of `PictureFacts`.
    view : float32 array, shape (36, 64)

    """

    sharpness: float
    mean_dn: float
    view: View = field(repr=False)

    def as_dict(self) -> dict[str, object]:
        """Return the reference, ready for JSON. The view has 64×36 parts, too few to recognise anyone in it."""
        rows = [[round(float(level)) for level in row] for row in self.view]
        return {"sharpness": round(self.sharpness, 4), "mean_dn": round(self.mean_dn, 2), "view": rows}

    @classmethod
    def from_dict(cls, stored: dict[str, object]) -> Reference:
        """Return the reference that `as_dict` has stored. Raise ValueError where it is damaged."""
        try:
            view = np.asarray(stored["view"], np.float32)
            reference = cls(float(str(stored["sharpness"])), float(str(stored["mean_dn"])), view)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("no reference of a camera's view") from error
        if view.shape != VIEW_SIZE[::-1] or not np.isfinite([reference.sharpness, reference.mean_dn]).all():
            raise ValueError("no reference of a camera's view")
        return reference


class ViewWatch:
    """Judges the pictures of one camera, a few a second.

    Parameters
    ----------
    reference : Reference or None
        What the camera is to show. None takes what it shows at first.

    """

    def __init__(self, reference: Reference | None = None) -> None:
        self._calibrated = reference is not None
        self._light = _Light()
        self._known: Reference | None = reference
        self._now: Reference | None = None
        self._coarse_dn = 0.0
        self._seen_s = 0.0
        self._last_s: float | None = None
        self._judged_s = 0.0
        self._past: deque[View] = deque(maxlen=_STEADY_STEPS)
        self._other_s: float | None = None

    @property
    def known(self) -> Reference | None:
        """What the camera is to show; None until it is known."""
        return self._known

    def signs(self, facts: PictureFacts, now_s: float) -> Iterator[tuple[FaultName, Sign | None]]:
        """Yield the signs that one more picture shows; None where nothing can be said."""
        passed_s = 0.0 if self._last_s is None else max(now_s - self._last_s, 0.0)
        self._last_s = now_s
        light = self._light.signs(facts, now_s, passed_s)
        yield from light.items()
        if any(sign is not None and sign.is_there for sign in light.values()):
            yield "out_of_focus", None
            yield "moved", None
            return
        self._smooth(facts, passed_s)
        if now_s - self._judged_s < JUDGE_S and now_s >= self._judged_s:
            return
        self._judged_s = now_s
        known, now = self._known, self._now
        if known is None or now is None:
            return
        yield "out_of_focus", self._focus(known, now)
        yield "moved", self._view(known, now, now_s)

    def _smooth(self, facts: PictureFacts, passed_s: float) -> None:
        """Let the picture into the mean of the last seconds. After some time that is what the camera is to show."""
        newest = Reference(facts.sharpness, facts.mean_dn, facts.view)
        self._seen_s += passed_s
        share = max(min(passed_s / SMOOTH_S, 1.0), min(passed_s / max(self._seen_s, 1e-9), 1.0))
        if self._now is None:
            self._now, self._coarse_dn = newest, facts.coarse_dn
        self._now = _mixed(self._now, newest, share)
        self._coarse_dn += share * (facts.coarse_dn - self._coarse_dn)
        rich = facts.contrast_dn >= MIN_CONTRAST_DN
        if self._known is None and rich and self._seen_s >= SETTLE_S:
            self._known = self._now

    def _focus(self, known: Reference, now: Reference) -> Sign | None:
        same_light = known.mean_dn / SAME_LIGHT <= now.mean_dn <= known.mean_dn * SAME_LIGHT
        if not same_light or self._coarse_dn < MIN_COARSE_DN:
            return None
        share = now.sharpness / max(known.sharpness, 1e-6)
        if SOFT_SHARE <= share < SHARP_SHARE:
            return None
        return Sign(share < SOFT_SHARE, f"edges are {1 / max(share, 1e-3):.1f} times as soft as they were")

    def _view(self, known: Reference, now: Reference, now_s: float) -> Sign | None:
        self._past.append(now.view)
        if now.view.std() < MIN_CONTRAST_DN or len(self._past) < _STEADY_STEPS:
            return None
        if agreement(self._past[0], now.view).here < STEADY_VIEW:
            return None
        found = agreement(known.view, now.view)
        shifted = found.elsewhere >= SHIFTED_VIEW and found.here < found.elsewhere - SHIFTED_BETTER
        if found.here < OTHER_VIEW or shifted:
            self._other_s = now_s if self._other_s is None else self._other_s
            if now_s - self._other_s >= ADOPT_S and not self._calibrated:
                self._known = now
            return Sign(is_there=True, detail=f"the view agrees to {max(found.here, 0.0):.0%} with the known one")
        if found.here < SAME_VIEW:
            return None
        self._other_s = None
        if not self._calibrated and now.sharpness >= SOFT_SHARE * known.sharpness:
            self._known = _mixed(known, now, JUDGE_S / ADAPT_S)
        return Sign(is_there=False)


class _Light:
    """Judges whether the lens is covered, and whether the picture is black or saturated."""

    def __init__(self) -> None:
        self._contrast_dn: float | None = None
        self._coarse_dn = 0.0
        self._seen_s = 0.0
        self._rich_s = -np.inf
        self._covered_dn: float | None = None

    def signs(self, facts: PictureFacts, now_s: float, passed_s: float) -> dict[FaultName, Sign | None]:
        covered = self._covered(facts, now_s, passed_s)
        dark: Sign | None = None
        if covered is None or not covered.is_there:
            black = f"99 % of the picture is darker than {facts.bright_dn + 1:.0f} of 255"
            dark = None if DARK_DN <= facts.bright_dn < LIT_DN else Sign(facts.bright_dn < DARK_DN, black)
        saturated = facts.saturated_share
        blinded: Sign | None = None
        if not SEEING_SHARE <= saturated < BLINDED_SHARE:
            blinded = Sign(saturated >= BLINDED_SHARE, f"{saturated:.0%} of the picture is saturated")
        return {"covered": covered, "dark": dark, "blinded": blinded}

    def _covered(self, facts: PictureFacts, now_s: float, passed_s: float) -> Sign | None:
        """Judge whether all contrast has gone within seconds, as fog and nightfall never do."""
        usual_dn, contrast_dn = self._contrast_dn, facts.contrast_dn
        if usual_dn is None:
            self._contrast_dn, self._coarse_dn = contrast_dn, facts.coarse_dn
            return None
        if usual_dn >= MIN_CONTRAST_DN and contrast_dn >= SUDDEN_SHARE * usual_dn:
            self._rich_s = now_s
        lost = contrast_dn < COVERED_SHARE * usual_dn and facts.coarse_dn < COVERED_COARSE_SHARE * self._coarse_dn
        words = f"the picture suddenly shows {contrast_dn / max(usual_dn, 1e-6):.0%} of its usual contrast"
        if self._covered_dn is not None:
            back_dn = max(MIN_CONTRAST_DN, UNCOVERED_TIMES * self._covered_dn)
            if contrast_dn < min(UNCOVERED_SHARE * usual_dn, back_dn):
                return Sign(is_there=True, detail=words) if lost else None
            self._covered_dn = None
        elif lost and now_s - self._rich_s <= SUDDEN_S:
            self._covered_dn = contrast_dn
            return Sign(is_there=True, detail=words)
        self._seen_s += passed_s
        share = min(passed_s / max(min(self._seen_s, USUAL_S), 1e-9), 1.0)
        self._contrast_dn = usual_dn + share * (contrast_dn - usual_dn)
        self._coarse_dn += share * (facts.coarse_dn - self._coarse_dn)
        return Sign(is_there=False)


def _mixed(earlier: Reference, later: Reference, share: float) -> Reference:
    """Return a reference that has moved by a share from one to the other."""
    return Reference(
        earlier.sharpness + share * (later.sharpness - earlier.sharpness),
        earlier.mean_dn + share * (later.mean_dn - earlier.mean_dn),
        earlier.view + np.float32(share) * (later.view - earlier.view),
    )

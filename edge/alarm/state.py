"""What the alarm knows over a restart: a state file, written in one step, believed only by the box that wrote it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, Field, ValidationError

from edge.alarm.background import LONG_MEMORY_S, FadingRate, Rate
from edge.alarm.standing import Standing
from edge.alarm.stretch import Stretch
from edge.alarm.tracker import LEVEL_MEMORY_S, AlarmTracker
from edge.clock import SET_SINCE
from edge.config.strict import StrictModel
from edge.files import is_newer, read_text, replace_file
from edge.text import significant

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from edge.config.device import AlarmSettings

MAX_AGE_S = 30 * 86400.0
"""A background older than this is no longer believed."""
MAX_AHEAD_S = 6 * 3600.0
"""A file that was written so far in the future tells of a clock that is wrong. A board without a battery starts with
the time at which it last saved it, up to hours ago, and asks the network later."""


class Identity(StrictModel):
    """What a background belongs to: another camera, exposure, size or model sees another rate."""

    camera: str = Field(description="kind and address of the source, without a login")
    width: int
    height: int
    exposure_s: float | None
    gain: float | None
    model_sha256: str

    def differences(self, other: Identity) -> list[str]:
        """Return in words what differs from another identity."""
        names = {"camera": "camera", "exposure_s": "exposure", "gain": "gain", "model_sha256": "model"}
        found = [word for name, word in names.items() if getattr(self, name) != getattr(other, name)]
        if (self.width, self.height) != (other.width, other.height):
            found.append("picture size")
        return found


class KeptRate(StrictModel):
    """A rate as counts."""

    hits: float = Field(ge=0)
    live_s: float = Field(gt=0)

    def as_rate(self) -> Rate:
        """Return it as a Rate."""
        return Rate(max(self.hits, 1e-3), self.live_s)


class KeptAlarm(StrictModel):
    """The alarm that stood."""

    id: str = Field(max_length=128)
    raised_utc: AwareDatetime
    onset_utc: AwareDatetime
    hits: int = Field(ge=0)
    weighted: float = Field(ge=0)
    live_s: float = Field(ge=0)
    maximum_hz: float = Field(ge=0)
    background: KeptRate
    learnt_before: bool
    rounds: int = Field(ge=0)
    moderate: bool
    level: KeptRate | None = Field(description="of a changed background; None while it is an alarm")


class AlarmState(StrictModel):
    """The state file."""

    schema_version: Literal[1] = 1
    written_utc: AwareDatetime
    identity: Identity
    known: bool = Field(description="whether the background was learnt without a source")
    background: KeptRate | None
    long_mean: KeptRate | None = Field(description="mean of the last days")
    dispersion: list[list[float]]
    usual_live: float | None
    count: int = Field(ge=0)
    alarm: KeptAlarm | None


def state_of(tracker: AlarmTracker, identity: Identity, utc: datetime) -> AlarmState:
    """Return what a tracker has to keep over a restart."""
    counted, standing, stretch = tracker.learner.counted, tracker.standing, tracker.stretch
    kept = None
    if standing is not None:
        level = tracker.level.rate if tracker.level is not None else None
        kept = KeptAlarm(
            id=standing.id,
            raised_utc=standing.raised_utc,
            onset_utc=stretch.onset_utc if stretch is not None else standing.raised_utc,
            hits=stretch.hits if stretch is not None else 0,
            weighted=stretch.weighted if stretch is not None else 0.0,
            live_s=stretch.live_s if stretch is not None else 0.0,
            maximum_hz=standing.maximum_hz,
            background=KeptRate(hits=standing.background.hits, live_s=standing.background.live_s),
            learnt_before=standing.learnt_before,
            rounds=standing.rounds,
            moderate=standing.moderate,
            level=_kept(level),
        )
    return AlarmState(
        written_utc=utc,
        identity=identity,
        known=tracker.known,
        background=_kept(counted),
        long_mean=_kept(tracker.learner.long_mean.counted),
        dispersion=tracker.learner.dispersion.state(),
        usual_live=tracker.usual_live,
        count=tracker.count,
        alarm=kept,
    )


def _kept(rate: Rate | None) -> KeptRate | None:
    return KeptRate(hits=rate.hits, live_s=rate.live_s) if rate is not None else None


def tracker_of(
    state: AlarmState | None, settings: AlarmSettings, name: str, known: Rate | None, now: tuple[float, datetime]
) -> AlarmTracker:
    """Return a tracker that goes on where a state ends; an alarm that stood, stands.

    Parameters
    ----------
    state : AlarmState or None
        As `read_state` believes it.
    settings : AlarmSettings
    name : str
        Of new alarms.
    known : Rate or None
        The background of the site's calibration.
    now : (float, datetime)
        Monotonic time and wall time.

    """
    now_s, utc = now
    if state is None:
        return AlarmTracker(settings, name, known)
    if state.background is not None and (state.known or known is None):
        tracker = AlarmTracker(settings, name, state.background.as_rate())
        tracker.known = state.known or known is not None
    else:
        tracker = AlarmTracker(settings, name, known)
    if state.long_mean is not None:
        tracker.learner.long_mean = FadingRate(LONG_MEMORY_S, state.long_mean.as_rate())
    tracker.learner.dispersion.restore(state.dispersion)
    tracker.usual_live, tracker.count = state.usual_live, state.count
    kept = state.alarm
    if kept is None:
        return tracker
    before_s = max(0.0, (utc - kept.onset_utc).total_seconds())
    tracker.standing = Standing(
        kept.id,
        kept.raised_utc,
        now_s,
        now_s,
        kept.background.as_rate(),
        learnt_before=kept.learnt_before,
        rounds=kept.rounds,
        moderate=kept.moderate,
        changed=kept.level is not None,
        resumed=True,
        maximum_hz=kept.maximum_hz,
    )
    tracker.stretch = Stretch(
        now_s - before_s, kept.onset_utc, hits=kept.hits, weighted=kept.weighted, live_s=kept.live_s
    )
    if kept.level is not None:
        tracker.level = FadingRate(LEVEL_MEMORY_S, kept.level.as_rate())
    return tracker


def write_state(path: Path, state: AlarmState) -> None:
    """Write the state file in one step, so that a power cut leaves the old one or the new one.

    Raises
    ------
    OSError
        The file cannot be written; the old one is untouched.

    """
    replace_file(path, state.model_dump_json(indent=1) + "\n")


def read_state(
    path: Path, identity: Identity, utc: datetime, calibrated_utc: datetime | None = None
) -> tuple[AlarmState | None, str | None]:
    """Read the state file and return it, with the reason where it is not believed, or only in part.

    A state of another camera, exposure, gain, size or model, or from the future, is not believed. Of an old state only
    a standing alarm is believed, not its background; so it is of one that was written before the site was calibrated at
    `calibrated_utc`. A missing file is no fault: (None, None).
    """
    text = ""
    try:
        text = read_text(path)
        state = AlarmState.model_validate_json(text)
    except FileNotFoundError:
        return None, None
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "damaged"
        reason = "it is of a newer release" if is_newer(text) else reason
        return None, f"the alarm's state file {path} cannot be read ({reason}); the background is learnt anew"
    differences = state.identity.differences(identity)
    if differences:
        return None, (
            f"the alarm's state file {path} belongs to another {' and '.join(differences)}; "
            "the background is learnt anew: calibrate the box"
        )
    doubt = _doubt_of_age(state, utc)
    if doubt is None:
        is_superseded = calibrated_utc is not None and state.written_utc < calibrated_utc
        return _alarm_only(state) if is_superseded else state, None
    # An alarm is kept all the same: an alarm too many is better than one too few.
    return _alarm_only(state), f"the alarm's state file {path} {doubt}"


def _doubt_of_age(state: AlarmState, utc: datetime) -> str | None:
    """Return why a state is not believed for its age. With a clock that is not set no age is known."""
    if utc < SET_SINCE:
        return None
    if state.written_utc > utc + timedelta(seconds=MAX_AHEAD_S):
        return "is from the future: check the clock"
    age_s = (utc - state.written_utc).total_seconds()
    if age_s > MAX_AGE_S:
        return f"is {significant(age_s / 86400):g} days old; calibrate the box"
    return None


def _alarm_only(state: AlarmState) -> AlarmState:
    return state.model_copy(
        update={
            "background": None,
            "long_mean": None,
            "known": False,
            "usual_live": None,
            "dispersion": [[0.0] * 3] * 3,
        }
    )

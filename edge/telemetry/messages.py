"""What travels over MQTT, as models that the agent writes and the control room reads; JSON Schemas derive from them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from edge.alarm.alarm import significant
from edge.errors import GammaboxError

if TYPE_CHECKING:
    from datetime import datetime

    from edge.alarm.alarm import Alarm
    from edge.detect.hit import Hit
    from edge.telemetry.topics import Kind

Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
RateHz = Annotated[float, Field(ge=0)]
Interval = tuple[RateHz, RateHz]


class _Part(BaseModel):
    # A reader passes over keys of a newer sender: within a schema version keys are only ever added.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Message(_Part):
    """What every message carries."""

    schema_version: Literal[1] = 1
    event_id: str = Field(description="unique; the same when a message is sent again")
    boot_id: str = Field(description="one run of the agent")
    seq: Count = Field(description="counts the messages of one boot_id from 0")
    utc: AwareDatetime = Field(description="when it happened; of a frame's messages the frame's own time")
    historical: bool = Field(default=False, description="true where it waited in the outbox, so it is no news")
    site: str
    device: str


class Status(Message):
    """Whether the agent is there; birth, last will and clean stop."""

    state: Literal["online", "offline"]
    reason: Literal["connected", "stopped", "lost"] = Field(description="lost: the broker's word, from the last will")


class Model(_Part):
    """The model bundle in use."""

    name: str
    sha256: str
    runtime: str


class Camera(_Part):
    """How the source delivers; None where unknown."""

    kind: str
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    exposure_s: float | None = None


class Info(Message):
    """What does not change while the agent runs."""

    software: str = Field(description="version of gammabox")
    model: Model
    camera: Camera
    false_alarms_per_1000_h: float
    started_utc: AwareDatetime


class OutboxState(_Part):
    """How many messages wait, and how many were given up since the start."""

    depth: Count
    dropped: Count


class Health(Message):
    """How the box does, over the time since the last health message."""

    frames: Count = Field(description="analysed since the start")
    fps: RateHz = Field(description="analysed frames a second")
    dropped: Count = Field(description="frames of the camera that were not analysed, since the start")
    damaged: Count = Field(description="frames that could not be decoded, since the start")
    live_fraction: Fraction | None = Field(description="mean share of the picture that could show a hit")
    exposure_s: float | None = None
    live_s_per_s: RateHz = Field(description="live seconds a second: exposure × frame rate × live fraction")
    stage_ms: dict[str, float] = Field(description="mean milliseconds a frame by stage")
    hits: Count = Field(description="since the start")
    unclassified: Count = Field(description="candidates left over for want of time, since the start")
    background_hz: RateHz | None = Field(description="hits per live second")
    background_interval_hz: Interval | None = Field(description="central 95 %")
    background_learnt: bool
    alarm_stands: bool
    temperature_c: float | None = Field(description="of the processor, where readable")
    uptime_s: float
    outbox: OutboxState
    faults: tuple[str, ...] = Field(default=(), description="what a technician should look at; empty when all is well")


class AlarmDetail(_Part):
    """An alarm's numbers; edge/alarm/alarm.py explains them."""

    id: str
    raised_utc: AwareDatetime
    onset_utc: AwareDatetime
    significance_sigma: float
    hits: Count
    live_s: float
    rate_hz: RateHz = Field(description="hits per live second since the onset")
    rate_interval_hz: Interval
    background_hz: RateHz
    background_interval_hz: Interval
    false_alarms_per_1000_h: float
    evidence: tuple[str, ...] = Field(description="event ids of hit messages")
    weakened_by: tuple[str, ...]


class AlarmMessage(Message):
    """The standing alarm, or `cleared`; complete in itself."""

    state: Literal["raised", "updated", "cleared"]
    alarm: AlarmDetail | None = Field(
        description="null where a fresh agent has learnt its background and no alarm stands"
    )


class HitDetail(_Part):
    """One hit; edge/detect/hit.py explains the fields."""

    x: Count
    y: Count
    score: Fraction
    added_dn: float
    pixels: Count
    live: bool


class HitMessage(Message):
    """The hits of one frame."""

    frame: Count
    live_fraction: Fraction
    exposure_s: float | None
    hits: tuple[HitDetail, ...]


MODELS: dict[Kind, type[Message]] = {
    "status": Status,
    "info": Info,
    "health": Health,
    "alarm": AlarmMessage,
    "hit": HitMessage,
}
AnyMessage = TypeVar("AnyMessage", bound=Message)


class MessageError(GammaboxError):
    """A payload that is no message of its topic."""


class Stamp:
    """Gives every message of one run of the agent its number and name."""

    def __init__(self, site: str, device: str, boot_id: str) -> None:
        self.site = site
        self.device = device
        self.boot_id = boot_id
        # Both the agent's and the link's thread take numbers here; next() on a count is atomic.
        self._numbers = itertools.count()

    def make(self, model: type[AnyMessage], utc: datetime, /, **fields: object) -> AnyMessage:
        """Make the next message."""
        seq = next(self._numbers)
        return model.model_validate(
            {
                "event_id": f"{self.boot_id}-{seq}",
                "boot_id": self.boot_id,
                "seq": seq,
                "utc": utc,
                "site": self.site,
                "device": self.device,
                **fields,
            }
        )


def encode(message: Message) -> bytes:
    """Return the payload."""
    return message.model_dump_json().encode()


def decode(kind: Kind, payload: bytes) -> Message:
    """Read a payload.

    Raises
    ------
    MessageError
        It is no JSON, lacks a field or comes from a newer schema.

    """
    try:
        return MODELS[kind].model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MessageError(f"{kind} message: {place + ': ' if place else ''}{first['msg']}") from error


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each kind of message."""
    return {kind: model.model_json_schema(mode="serialization") for kind, model in MODELS.items()}


def alarm_detail(alarm: Alarm, evidence: tuple[str, ...]) -> AlarmDetail:
    """Take an alarm's numbers into a message."""
    return AlarmDetail(
        id=alarm.id,
        raised_utc=alarm.raised_utc,
        onset_utc=alarm.onset_utc,
        significance_sigma=round(alarm.significance_sigma, 2),
        hits=alarm.hits,
        live_s=round(alarm.live_s, 3),
        rate_hz=significant(alarm.rate_hz),
        rate_interval_hz=_interval(alarm.rate_interval_hz),
        background_hz=significant(alarm.background_hz),
        background_interval_hz=_interval(alarm.background_interval_hz),
        false_alarms_per_1000_h=alarm.false_alarms_per_1000_h,
        evidence=evidence,
        weakened_by=alarm.weakened_by,
    )


def _interval(interval_hz: tuple[float, float]) -> tuple[float, float]:
    low, high = interval_hz
    return significant(low), significant(high)


def hit_detail(hit: Hit) -> HitDetail:
    """Take a hit into a message."""
    return HitDetail(
        x=hit.x,
        y=hit.y,
        score=round(hit.score, 4),
        added_dn=round(hit.added_dn, 1),
        pixels=hit.pixels,
        live=hit.live,
    )

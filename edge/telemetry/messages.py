"""The MQTT messages, as models that the agent writes and the control room reads, with their JSON Schemas."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import AwareDatetime, Field, ValidationError

from edge.arguments import described, takes
from edge.errors import GammaboxError
from edge.redaction import redacted_values
from edge.telemetry.acknowledgements import Acknowledgement  # noqa: TC001 - pydantic reads it
from edge.telemetry.fields import (
    Base64,
    Count,
    Fraction,
    Identifier,
    Interval,
    Name,
    Part,
    RateHz,
    Text,
    Texts,
    first_error,
)

if TYPE_CHECKING:
    from datetime import datetime

    from edge.telemetry.topics import Kind

MAX_STAGES, MAX_WINDOWS, MAX_PAST = 32, 8, 5
MAX_EVIDENCE, MAX_HITS, MAX_CROP = 500, 1000, 48


class Message(Part):
    """The fields of every message."""

    schema_version: Literal[1] = 1
    event_id: Identifier = Field(description="unique; the same when the message is sent again")
    boot_id: Identifier = Field(description="one run of the agent")
    seq: Count = Field(description="number of the message within its boot_id, from 0")
    utc: AwareDatetime = Field(description="when it happened; for hits and alarms the time of the frame")
    historical: bool = Field(default=False, description="true where the message has waited in the outbox")
    site: Name
    device: Name


class Status(Message):
    """Whether the agent is online. It is sent at the connection, at a stop, and by the broker as last will."""

    state: Literal["online", "offline"]
    reason: Literal["connected", "stopped", "lost"] = Field(description="lost: sent by the broker as last will")


class Model(Part):
    """The model bundle in use."""

    name: Text
    sha256: Text
    runtime: Text


class Camera(Part):
    """The mode of the source; None where unknown."""

    kind: Text
    width: Count | None = None
    height: Count | None = None
    fps: float | None = None
    exposure_s: float | None = None


class Position(Part):
    """Where a box hangs, in degrees of WGS 84."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class UpdateReport(Part):
    """How it stands with the release that was offered last."""

    offer: Identifier = Field(description="id of the offer")
    release: Text = Field(description="name of the release")
    step: Literal["fetching", "installing", "waiting", "trial", "committed", "rolled_back", "refused"] = Field(
        description="the last three are final: it runs; the one before runs again; it was not tried"
    )
    reason: Text | None = Field(default=None, description="why it was rolled back or refused, or waits")
    utc: AwareDatetime


class Info(Message):
    """Facts that do not change while the agent runs."""

    software: Text = Field(description="version of gammabox")
    release: Text | None = Field(default=None, description="release that was installed on the box; null without one")
    place: Text | None = Field(default=None, description="where the box hangs, for people")
    position: Position | None = None
    model: Model
    camera: Camera
    false_alarms_per_1000_h: float
    started_utc: AwareDatetime
    update: UpdateReport | None = Field(default=None, description="null where no release was offered yet")
    certificate_sha256: Identifier | None = Field(
        default=None, description="print of the certificate with which the box logs in; null without one"
    )


class OutboxState(Part):
    """The number of messages that wait, and of those dropped since the start."""

    depth: Count
    dropped: Count


class Recent(Part):
    """The rate of the last seconds; None where they held no live time."""

    window_s: Count
    rate_hz: RateHz | None = Field(description="hits per live second")
    interval_hz: Interval | None = Field(description="central 95 %")


class Health(Message):
    """The state of the box. Means are over the time since the last health message."""

    frames: Count = Field(description="frames analysed since the start")
    delivered: Count = Field(
        description="frames of the source since the start: frames + not_analysed + repeated + damaged + dropped"
    )
    not_analysed: Count = Field(description="whole frames without a neighbour on both sides, the newest two included")
    fps: RateHz = Field(description="analysed frames a second")
    repeated: Count = Field(description="pictures that repeat the one before and were left out, since the start")
    dropped: Count = Field(description="frames of the camera that were not read in time, since the start")
    damaged: Count = Field(description="frames that could not be decoded, since the start")
    live_fraction: Fraction | None = Field(description="mean share of the picture in which a hit would be seen")
    exposure_s: float | None = None
    live_s_per_s: RateHz = Field(description="live seconds a second: exposure × frame rate × live fraction")
    stage_ms: dict[Identifier, float] = Field(max_length=MAX_STAGES, description="mean milliseconds a frame by stage")
    hits: Count = Field(description="since the start")
    unclassified: Count = Field(
        description="candidates left over when the budget of a frame was spent, since the start"
    )
    background_hz: RateHz | None = Field(description="hits per live second")
    background_interval_hz: Interval | None = Field(description="central 95 %")
    background_learnt: bool
    condition: Literal["learning", "clear", "alarm", "changed"] = Field(description="what the box can say now")
    reasons: Texts = Field(default=(), description="why it is learning")
    recent: tuple[Recent, ...] = Field(
        default=(), max_length=MAX_WINDOWS, description="rates of the last 10 and 60 seconds"
    )
    overload: Text | None = Field(default=None, description="what shows that more hits come than can be judged")
    nuisances: Texts = Field(default=(), description="hits and ground that are not counted, and why")
    alarm_stands: bool
    temperature_c: float | None = Field(description="of the processor, where readable")
    uptime_s: float
    interval_s: float | None = Field(default=None, gt=0, description="seconds until the next health message, at most")
    outbox: OutboxState
    camera: Texts = Field(default=(), description="faults of the camera, each in a word; see `faults`")
    faults: Texts = Field(default=(), description="problems for the technician; empty when there are none")


class Equivalent(Part):
    """The dose rate at the camera that would give the excess, if it came from one nuclide."""

    nuclide: Text
    usv_h: RateHz = Field(description="ambient dose equivalent rate in µSv/h")
    interval_usv_h: Interval = Field(description="of counting and of what is not known of the sensor")
    caveat: Text


class AlarmDetail(Part):
    """The numbers of an alarm; see `edge.alarm.alarm.Alarm`."""

    id: Identifier
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
    recent: tuple[Recent, ...] = Field(max_length=MAX_WINDOWS, description="rates of the last 10 and 60 seconds")
    maximum_hz: RateHz = Field(description="highest rate of 10 seconds since the alarm was raised")
    duration_s: float = Field(description="seconds since the onset")
    lower_limit: bool = Field(description="whether rates are lower limits, as more came than can be counted")
    overload: Text | None = Field(description="what shows that more hits come now than can be judged")
    evidence: tuple[Identifier, ...] = Field(max_length=MAX_EVIDENCE, description="event ids of hit messages")
    doubts: Texts = Field(description="reasons to take the latest hits for something other than radiation")
    equivalent: Equivalent | None = Field(default=None, description="dose rate that would explain the excess")
    weakened_by: Texts = Field(description="reasons to trust the alarm less; doubts are among them")


class PastAlarm(Part):
    """An alarm that is over, as the box remembers it."""

    id: Identifier
    raised_utc: AwareDatetime
    ended_utc: AwareDatetime
    maximum_hz: RateHz = Field(description="highest rate of 10 seconds")
    hits: Count
    lower_limit: bool = Field(description="whether more came than can be counted")
    acknowledged: Acknowledgement | None = Field(default=None, description="null where nobody took charge")


class AlarmMessage(Message):
    """What the box says of its surroundings. The message holds everything that is known.

    raised, updated: an alarm stands. changed: an excess that has lasted; somebody has to look at the box. cleared: the
    rate agrees with a background that was learnt without a source. learning: the box cannot say, for the reasons given.
    """

    state: Literal["raised", "updated", "changed", "cleared", "learning"]
    alarm: AlarmDetail | None = Field(
        description="null with learning, and with cleared where no alarm of this run ended"
    )
    reasons: Texts = Field(default=(), description="with learning: why nothing can be said")
    place: Text | None = Field(default=None, description="where the box hangs, for people")
    advice: Text = Field(default="", description="what to do")
    acknowledged: Acknowledgement | None = Field(default=None, description="null while nobody has taken charge")
    past: tuple[PastAlarm, ...] = Field(default=(), max_length=MAX_PAST, description="other alarms that are over")


class HitDetail(Part):
    """A hit; see `edge.detect.hit.Hit`."""

    x: Count
    y: Count
    score: Fraction
    added_dn: float
    pixels: Count
    live: bool
    nuisance: Text | None = Field(default=None, description="what it is instead of radiation; it enters no rates")


class HitMessage(Message):
    """The hits of a frame."""

    frame: Count
    live_fraction: Fraction
    exposure_s: float | None
    hits: tuple[HitDetail, ...] = Field(max_length=MAX_HITS)


class Evidence(Message):
    """A crop of the picture around a hit. Boxes send it only where that is set; see docs/messages.md."""

    hit: Identifier = Field(description="event id of the hit message")
    frame: Count
    x: Count = Field(description="column of the hit in the picture")
    y: Count = Field(description="row of the hit in the picture")
    left: Count = Field(description="column of the left edge of the crop in the picture")
    top: Count = Field(description="row of the upper edge of the crop in the picture")
    width: int = Field(ge=1, le=MAX_CROP)
    height: int = Field(ge=1, le=MAX_CROP)
    blurred: bool = Field(description="whether all but the hit is blurred")
    png: Base64 = Field(description="the crop as base64 of a grey PNG")


MODELS: dict[Kind, type[Message]] = {
    "status": Status,
    "info": Info,
    "health": Health,
    "alarm": AlarmMessage,
    "hit": HitMessage,
}
AnyMessage = TypeVar("AnyMessage", bound=Message)


class MessageError(GammaboxError):
    """A payload that is no message of the kind that its topic says."""


class Stamp:
    """Makes the messages of one run of the agent, with their numbers and event ids."""

    def __init__(self, site: str, device: str, boot_id: str) -> None:
        self.site = site
        self.device = device
        self.boot_id = boot_id
        # The threads of the agent and of the link both take numbers. next() on a count is atomic.
        self._numbers = itertools.count()

    def make(self, model: type[AnyMessage], utc: datetime, /, **fields: object) -> AnyMessage:
        """Return the next message."""
        seq = next(self._numbers)
        return model.model_validate(
            {
                "event_id": f"{self.boot_id}-{seq}",
                "boot_id": self.boot_id,
                "seq": seq,
                "utc": utc,
                "site": self.site,
                "device": self.device,
                **{name: redacted_values(value) for name, value in fields.items()},
            }
        )


@takes(message=Message)
def encode(message: Message) -> bytes:
    """Return the payload of a message."""
    return message.model_dump_json().encode()


def decode(kind: Kind, payload: bytes) -> Message:
    """Return the message in a payload.

    Raises
    ------
    MessageError
        It is no JSON, a field is missing, or its schema is newer.

    """
    if kind not in MODELS or not isinstance(payload, (bytes, str)):
        raise MessageError(f"{described(kind)} as a kind and {described(payload)} as a payload are no message")
    return _decoded(MODELS[kind], kind, payload)


def decode_evidence(payload: bytes) -> Evidence:
    """Return the evidence in a payload.

    Raises
    ------
    MessageError
        It is none.

    """
    return _decoded(Evidence, "evidence", payload)


def _decoded(model: type[AnyMessage], kind: str, payload: bytes) -> AnyMessage:
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise MessageError(f"{kind} message: {first_error(error)}") from error

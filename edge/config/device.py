"""The device's settings: the one place where a setting is defined, with its meaning, bounds and default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edge.arguments import as_path, takes
from edge.config import yaml_file
from edge.config.picture import Mask
from edge.config.places import Address, with_places_apart
from edge.config.position import OneLine, PositionSettings
from edge.config.strict import StrictModel
from edge.config.telemetry import CommandSettings, LoggingSettings, TelemetrySettings

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
ColourTemperature = Annotated[float, Field(ge=1000, le=20000)]
ColourGain = Annotated[float, Field(gt=0, le=100_000)]
ColourGains = tuple[ColourGain, ColourGain]


class SourceSettings(StrictModel):
    """Where frames come from."""

    spec: Address = Field(
        min_length=1,
        title="Source",
        description="a camera (/dev/video0, csi:0), a recording or folder of images, or a stream (rtsp://…, http://…)",
    )
    width: int | None = Field(
        default=None, ge=64, le=8192, title="Width", description="width to ask the camera for, in pixels"
    )
    height: int | None = Field(
        default=None, ge=64, le=8192, title="Height", description="height to ask the camera for, in pixels"
    )
    fps: float | None = Field(
        default=None,
        gt=0,
        le=240,
        title="Frame rate",
        description="frames a second to ask the camera for, or to assume of a folder of images",
    )
    exposure_s: float | None = Field(
        default=None,
        gt=0,
        le=10,
        title="Exposure",
        description="exposure to ask the camera for, or of a recording, in seconds; unknown where left out",
    )
    gain: float | None = Field(
        default=None,
        gt=0,
        le=1e5,
        title="Gain",
        description="gain to ask the camera for, in its own units (analogue gain of a CSI camera); automatic gain is "
        "switched off by it, and by a fixed exposure",
    )
    white_balance: ColourTemperature | ColourGains | None = Field(
        default=None,
        title="White balance",
        description="colour temperature to ask the camera for, 1000 to 20000 kelvin, or its gains of red and blue as "
        "[red, blue]; automatic where left out",
    )
    ca_file: Path | None = Field(
        default=None,
        title="Authority",
        description="PEM file with the own certificate of an https:// camera, or that of its authority; those of the "
        "system where left out",
    )
    loop: bool = Field(
        default=False,
        title="Loop",
        description="play a recording again when it ends; its hits then fall on the same pixels, which soon count as "
        "blinking",
    )
    pace: Literal["camera", "fast"] = Field(
        default="camera",
        title="Pace",
        description="whether a recording plays in real time, as if it happened now (camera), or as fast as it can, "
        "with its own times (fast)",
    )

    @model_validator(mode="after")
    def _size_is_whole(self) -> SourceSettings:
        if (self.width is None) != (self.height is None):
            raise ValueError("found only one of width and height, expected both or neither")
        return self


class DetectionSettings(StrictModel):
    """How hits are looked for in a frame."""

    threads: int = Field(default=1, ge=1, le=64, title="Threads", description="threads that share successive frames")
    max_crops_per_frame: int = Field(
        default=192,
        ge=1,
        le=1000,
        title="Budget",
        description="most candidates that are classified in a frame; the rest are counted",
    )
    masks: tuple[Mask, ...] = Field(
        default=(), max_length=64, title="Masks", description="parts of the picture in which no hits are looked for"
    )


class AlarmSettings(StrictModel):
    """When a rate of hits becomes an alarm."""

    false_alarms_per_1000_h: float = Field(
        default=1.0, ge=1e-3, le=1e4, title="False alarms", description="accepted false alarms in 1000 live hours"
    )
    source_rate_hz: float = Field(
        default=0.5,
        gt=0,
        le=1000,
        title="Source rate",
        description="smallest excess over background that the trigger is tuned for, in hits per live second; weaker "
        "sources take longer",
    )
    min_excess: float = Field(
        default=0.5,
        ge=0.05,
        le=10,
        title="Smallest excess",
        description="smallest excess over background that the trigger is tuned for, as a share of the background rate; "
        "the larger of the two counts",
    )
    prior_background_hz: float = Field(
        default=0.5,
        ge=1e-4,
        le=100,
        title="Prior background",
        description="background assumed before any is learnt, in hits per live second; a few hits outweigh it",
    )
    max_background_hz: float = Field(
        default=10.0,
        ge=1e-3,
        le=1000,
        title="Highest background",
        description="highest background possible, in hits per live second; a higher rate is an alarm from the first "
        "frame on",
    )
    learn_s: float = Field(
        default=60.0, ge=0, le=86400, title="Learning", description="live seconds until the background counts as learnt"
    )
    background_memory_s: float = Field(
        default=7200.0, ge=60, le=1e6, title="Memory", description="live seconds in which old background fades"
    )
    background_lag_s: float = Field(
        default=3600.0,
        ge=0,
        le=1e6,
        title="Lag",
        description="time that quiet seconds wait before they are learnt, so that a slow source is not learnt",
    )
    min_hits: int = Field(
        default=5,
        ge=2,
        le=1000,
        title="Fewest hits",
        description="fewest hits above background that can raise an alarm",
    )
    clear_s: float = Field(
        default=30.0,
        ge=1,
        le=86400,
        title="Clearing",
        description="shortest time without an excess that clears an alarm, in seconds",
    )
    update_s: float = Field(
        default=10.0, ge=1, le=3600, title="Updates", description="seconds between updates of a standing alarm"
    )


class TlsSettings(StrictModel):
    """Encryption of the connection to the broker."""

    ca_file: Path | None = Field(
        default=None,
        title="Authority",
        description="PEM file of the broker's certificate authority; those of the system where left out",
    )
    cert_file: Path | None = Field(
        default=None,
        title="Certificate",
        description="PEM file of this device; next.crt and next.key beside it are tried first, where they are",
    )
    key_file: Path | None = Field(default=None, title="Key", description="PEM file of the certificate's private key")

    @model_validator(mode="after")
    def _pair(self) -> TlsSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("found only one of cert_file and key_file, expected both or neither")
        return self


class MqttSettings(StrictModel):
    """The broker."""

    host: str = Field(
        pattern=r"^[A-Za-z0-9.:_-]+$", max_length=253, title="Host", description="name or address of the broker"
    )
    port: int = Field(default=1883, ge=1, le=65535, title="Port", description="usually 1883 without TLS, 8883 with it")
    protocol: Literal["auto", "5", "3.1.1"] = Field(
        default="auto", title="Protocol", description="MQTT version; auto tries 5 and falls back to 3.1.1"
    )
    tls: TlsSettings | None = Field(
        default=None, title="TLS", description="encryption; `tls: {}` is enough to turn it on"
    )
    username: str | None = Field(default=None, min_length=1, title="User", description="user name at the broker")
    password_file: Path | None = Field(
        default=None,
        title="Password",
        description="file whose first line is the password; these settings hold no secret",
    )
    keepalive_s: int = Field(
        default=30, ge=5, le=3600, title="Keepalive", description="longest silence on the connection, in seconds"
    )

    @model_validator(mode="after")
    def _login_is_whole(self) -> MqttSettings:
        if self.password_file is not None and self.username is None:
            raise ValueError("found password_file without username, expected both")
        return self


class OutboxSettings(StrictModel):
    """Where messages wait until the broker confirms them."""

    path: Path = Field(default=Path("outbox.sqlite"), title="File", description="the outbox; it survives a power cut")
    max_messages: int = Field(
        default=100_000,
        ge=100,
        le=10_000_000,
        title="Messages",
        description="most messages that wait; beyond it the oldest hits are dropped",
    )
    max_in_flight: int = Field(
        default=20,
        ge=1,
        le=1000,
        title="In flight",
        description="most messages that wait for the broker's confirmation",
    )


class DeviceSettings(StrictModel):
    """One box: the whole of device.yaml."""

    site: Name = Field(title="Site", description="id of the place: a-z, 0-9, _ and -; part of every topic")
    device: Name = Field(title="Device", description="id of this box, unique at its site")
    place: OneLine | None = Field(
        default=None, max_length=200, title="Place", description="where the box hangs, for people; goes with each alarm"
    )
    position: PositionSettings | None = Field(
        default=None, title="Position", description="where the box hangs, on a map"
    )
    source: SourceSettings = Field(title="Source", description="where frames come from")
    model: Path | None = Field(
        default=None, title="Model", description="folder of a model bundle; the one that ships where left out"
    )
    detection: DetectionSettings = Field(default=DetectionSettings(), title="Detection", description="hits in a frame")
    alarm: AlarmSettings = Field(default=AlarmSettings(), title="Alarm", description="from hits to alarms")
    mqtt: MqttSettings = Field(title="MQTT", description="the broker")
    outbox: OutboxSettings = Field(default=OutboxSettings(), title="Outbox", description="messages that wait")
    calibration: Path | None = Field(
        default=None,
        title="Calibration",
        description="file that `gammabox-edge calibrate` writes; calibration.json beside the outbox where left out",
    )
    state_file: Path | None = Field(
        default=None,
        title="State",
        description="file that keeps background and standing alarm over restarts; alarm.json beside the outbox where "
        "left out",
    )
    telemetry: TelemetrySettings = Field(default=TelemetrySettings(), title="Telemetry", description="what is sent")
    commands: CommandSettings = Field(
        default=CommandSettings(), title="Commands", description="what the control room may have the box do"
    )
    logging: LoggingSettings = Field(default=LoggingSettings(), title="Logging", description="what goes to the journal")


@takes(path=as_path)
def load_settings(path: Path) -> DeviceSettings:
    """Read device.yaml; relative paths in it are taken from its own folder.

    Raises
    ------
    SettingsError
        The file has faults. The message names all of them.

    """
    return with_places_apart(path, anchored(yaml_file.load(path, DeviceSettings), path.parent))


def anchored(settings: DeviceSettings, folder: Path) -> DeviceSettings:
    """Resolve the relative paths of settings against a folder, so that no working directory matters."""

    def beside(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    tls = settings.mqtt.tls
    if tls is not None:
        resolved = {
            "ca_file": beside(tls.ca_file),
            "cert_file": beside(tls.cert_file),
            "key_file": beside(tls.key_file),
        }
        tls = tls.model_copy(update=resolved)
    spec = settings.source.spec
    is_file = re.match(r"csi:|[a-z][a-z0-9+.-]*:/", spec, re.IGNORECASE) is None
    camera = {"spec": str(folder / spec) if is_file else spec, "ca_file": beside(settings.source.ca_file)}
    source = settings.source.model_copy(update=camera)
    mqtt = settings.mqtt.model_copy(update={"tls": tls, "password_file": beside(settings.mqtt.password_file)})
    outbox = settings.outbox.model_copy(update={"path": beside(settings.outbox.path)})
    resolved_paths = {
        "source": source,
        "model": beside(settings.model),
        "mqtt": mqtt,
        "outbox": outbox,
        "calibration": beside(settings.calibration) or outbox.path.with_name("calibration.json"),
        "state_file": beside(settings.state_file) or outbox.path.with_name("alarm.json"),
    }
    return settings.model_copy(update=resolved_paths)

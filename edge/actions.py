"""What the agent does for the control room: the actions behind the commands."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, TypeVar, cast

from pydantic import ValidationError

from edge.commander import CommandError
from edge.config.faults import first_fault
from edge.config.telemetry import LoggingSettings, TelemetrySettings
from edge.redaction import without_login

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from pydantic import JsonValue

    from edge.config.device import DeviceSettings
    from edge.observer import Observer
    from edge.reporting import Reporter
    from edge.telemetry.messages import Health

log = logging.getLogger(__name__)

Block = TypeVar("Block", TelemetrySettings, LoggingSettings)
CHANGEABLE = ("telemetry.health_interval_s", "telemetry.hits", "logging.level")


class AgentActions:
    """The actions of one run.

    Parameters
    ----------
    settings : DeviceSettings
    reporter : Reporter
    observer : Observer
    send_health : callable
        Sends a health message and returns it.
    stop : threading.Event
        Ends the run.

    """

    def __init__(
        self,
        settings: DeviceSettings,
        reporter: Reporter,
        observer: Observer,
        send_health: Callable[[], Health],
        stop: threading.Event,
    ) -> None:
        self._settings = settings
        self._level = settings.logging.level
        self._reporter = reporter
        self._observer = observer
        self._send_health = send_health
        self._stop = stop

    def health(self) -> dict[str, JsonValue]:
        """Send a health message and return it."""
        return self._send_health().model_dump(mode="json")

    def recalibrate(self) -> None:
        """Learn the background anew."""
        problem = self._observer.relearn()
        if problem is not None:
            raise CommandError(f"{problem}, so the background cannot be learnt anew")

    def restart(self) -> None:
        """End the agent, so that its unit starts it again."""
        log.warning("restart on command: the agent ends, and its unit starts it again")
        self._stop.set()

    def setting_values(self) -> dict[str, JsonValue]:
        """Return the settings that may be read, by name."""
        settings, telemetry = self._settings, self._reporter.settings
        return {
            "telemetry.health_interval_s": telemetry.health_interval_s,
            "telemetry.hits": telemetry.hits,
            "logging.level": self._level,
            "commands.allow": list(settings.commands.allow),
            "source.spec": without_login(settings.source.spec),
            "source.exposure_s": settings.source.exposure_s,
            "source.gain": settings.source.gain,
            "alarm.false_alarms_per_1000_h": settings.alarm.false_alarms_per_1000_h,
            "alarm.source_rate_hz": settings.alarm.source_rate_hz,
            "alarm.clear_s": settings.alarm.clear_s,
            "alarm.update_s": settings.alarm.update_s,
        }

    def change_settings(self, values: dict[str, JsonValue]) -> None:
        """Change settings until the agent ends: all of them or none."""
        unknown = [name for name in values if name not in CHANGEABLE]
        if unknown:
            raise CommandError(f"{', '.join(unknown)} cannot be set; there are {', '.join(CHANGEABLE)}")
        blocks: dict[str, dict[str, JsonValue]] = {
            "telemetry": cast("dict[str, JsonValue]", self._reporter.settings.model_dump()),
            "logging": {"level": self._level},
        }
        for name, value in values.items():
            block, _, key = name.partition(".")
            blocks[block][key] = value
        telemetry = _checked(TelemetrySettings, blocks["telemetry"])
        self._level = _checked(LoggingSettings, blocks["logging"]).level
        self._reporter.settings = telemetry
        logging.getLogger().setLevel(self._level.upper())


def _checked(model: type[Block], values: dict[str, JsonValue]) -> Block:
    text = json.dumps(values)
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise CommandError(first_fault(error, model, text)) from error

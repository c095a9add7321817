"""Offers of releases: heard by the agent, handed to the updater in a file, and its report read for `info`."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.files import replace_file, why
from edge.telemetry.fields import first_error
from edge.telemetry.messages import UpdateReport
from edge.telemetry.offer import Offer
from edge.telemetry.topics import offers_of
from edge.updater.report import read_report

if TYPE_CHECKING:
    from edge.config.device import DeviceSettings
    from edge.telemetry.inbox import Arrived

log = logging.getLogger(__name__)

FOLDER = "update"
FILE = "offer.json"
VARIABLE = "GAMMABOX_UPDATER"
"""Names the folder of the updater. The rendered service sets it; without it nobody would take up an offer."""


class Offers:
    """The offers to a box. Does nothing on a box without an updater.

    Parameters
    ----------
    settings : DeviceSettings
    updater : Path or None
        Folder of the updater; by default as the service says.

    """

    def __init__(self, settings: DeviceSettings, updater: Path | None = None) -> None:
        named = os.environ.get(VARIABLE)
        self._updater = updater or (Path(named) if named else None)
        self._topic = offers_of(settings.site, settings.device)
        self._path = settings.outbox.path.with_name(FOLDER) / FILE
        self._report: UpdateReport | None = None

    @property
    def filters(self) -> tuple[str, ...]:
        """What the box has to subscribe to."""
        return () if self._updater is None else (self._topic,)

    @property
    def report(self) -> UpdateReport | None:
        """What the updater reported last; None where there is nothing."""
        return self._report

    def hear(self, arrived: list[Arrived]) -> list[Arrived]:
        """Hand the last offer to the updater, and return what has arrived without offers."""
        offers = [each for each in arrived if each.topic == self._topic]
        if offers and offers[-1].payload:  # an empty one takes an offer back
            self._hand_over(offers[-1])
        elif offers:
            self._take_back()
        return [each for each in arrived if each.topic != self._topic]

    def has_news(self) -> bool:
        """Look for a report of the updater. Return whether it has changed since the last look."""
        if self._updater is None:
            return False
        found = read_report(self._updater)
        before, self._report = self._report, None
        if found is not None:
            try:
                self._report = UpdateReport.model_validate({**asdict(found), "reason": found.reason or None})
            except ValidationError:
                log.warning("the report of the updater cannot be read")
        return self._report != before

    def _hand_over(self, arrived: Arrived) -> None:
        try:
            offer = Offer.model_validate_json(arrived.payload)
        except ValidationError as error:
            log.warning("the offer of a release cannot be read (%s)", first_error(error))
            return
        text = offer.model_dump_json() + "\n"
        try:
            if self._path.exists() and self._path.read_text(encoding="utf-8") == text:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, text)
            log.info("release %s is offered (%s)", offer.release, offer.offer)
        except (OSError, UnicodeDecodeError) as error:
            log.warning("the offer of release %s cannot be kept (%s)", offer.release, why(error))

    def _take_back(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the offer of a release cannot be taken back (%s)", why(error))

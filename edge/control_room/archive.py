"""The archive: follows all boxes and keeps what they report, each message once, whatever becomes of it or the broker.

A message is confirmed to the broker only when it is on disk. What comes while the disk cannot be written therefore
waits at the broker, which keeps it for the archive's session.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.config.faults import shown_text
from edge.control_room.archive_arrival import KINDS, LASTING, MAX_PAYLOAD, arrival_of
from edge.errors import BrokerError
from edge.telemetry.login import V3, V5, Login, disconnect, distrusts, reason_of
from edge.telemetry.subscription import Subscription
from edge.telemetry.topics import ROOT, of_site
from edge.text import counted, one_line

if TYPE_CHECKING:
    import threading

    import paho.mqtt.client as paho
    from paho.mqtt.enums import MQTTProtocolVersion
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config.device import MqttSettings
    from edge.control_room.archive_arrival import Arrival
    from edge.control_room.archive_file import ArchiveFile

log = logging.getLogger(__name__)

SESSION_S = 7 * 86400
"""How long the broker keeps messages for an archive that is away (MQTT 5)."""
POLL_S = 0.05
GATHER_S = 0.002
"""Alarms wait for others, to be written together, while the next one comes within this time."""
MAX_GATHER_S = 0.1
QUIET_S = 1.0
"""What the broker does not keep is written so often."""
MAX_BATCH = 500
MAX_WAITING = 2000
MAX_WAITING_BYTES = 16 << 20
RETRY_S = 1.0
MAX_RETRY_S = 30.0
HEARTBEAT_S = 10.0
FORGET_S = 3600.0
CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LOSSES = 3
LOSSES_S = 120.0
"""So many lost connections within this time point to another archive of this name, where the broker does not say so."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days the archive keeps alarms, acknowledgements, faults and states, and how many it keeps rates."""

    days: float = 730.0
    rates_days: float = 30.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An arrival that is not on disk yet. `receipt` is its packet id on this connection; None where none is due."""

    arrival: Arrival | None
    receipt: int | None
    size: int


class Archive:
    """Follows the boxes of a broker and keeps what they report, in the thread of the caller.

    Parameters
    ----------
    settings : MqttSettings
    file : ArchiveFile
    site : str or None
        Site whose boxes are followed; None for all.
    client_id : str
        The broker keeps messages under this name, so each archive needs one of its own.
    retention : Retention

    Attributes
    ----------
    kept : int
        Messages kept since the start.

    Raises
    ------
    BrokerError
        The files of the login cannot be read, or the client id cannot be one.

    """

    def __init__(
        self,
        settings: MqttSettings,
        file: ArchiveFile,
        site: str | None = None,
        client_id: str = "gammabox-archive",
        retention: Retention = Retention(),
    ) -> None:
        of_site(site)  # refuses a name that is none
        if not CLIENT_ID.fullmatch(client_id):
            raise BrokerError(f"found the name {shown_text(client_id)}, expected up to 64 of A-Z, a-z, 0-9, . _ and -")
        self.kept = 0
        self._settings, self._file, self._client_id, self._retention = settings, file, client_id, retention
        self._subscription = Subscription([(f"{ROOT}/{site or '+'}/+/{kind}", qos) for kind, qos in KINDS.items()])
        self._login = Login(settings)
        self._protocol: MQTTProtocolVersion = V3 if settings.protocol == "3.1.1" else V5
        self._waiting: list[_Waiting] = []
        self._size = self._receipts = 0
        self._told = ""
        self._losses_s: deque[float] = deque(maxlen=LOSSES)
        self._retry_s = RETRY_S
        self._write_again_s = self._next_forget_s = self._written_s = 0.0
        self._begin()

    def run(self, stop: threading.Event) -> None:
        """Follow the boxes until `stop` is set. What has arrived by then is written."""
        if self._file.set_aside:
            log.error("%s", self._file.set_aside)
        while not stop.is_set():
            self._begin()
            try:
                if self._write_again_s:
                    self._store(None)  # without a disk, all is left to the broker
                if not self._write_again_s:
                    self._session(stop)
            except OSError as error:
                if distrusts(error):
                    self._tell(f"broker {self._place} and the archive do not trust each other ({reason_of(error)})")
                else:
                    self._tell(f"broker {self._place} cannot be reached ({reason_of(error)}); trying again")
            except sqlite3.Error as error:
                self._not_writable(error)
            except Exception as error:  # noqa: BLE001 - paho raises many kinds on packets that are no MQTT
                self._tell(f"the connection failed ({one_line(f'{type(error).__name__}: {error}')}); it is built again")
            self._retry_s = RETRY_S if self._listens else min(2 * self._retry_s, MAX_RETRY_S)
            stop.wait(MAX_RETRY_S if self._taken_over else self._retry_s)
        self._store(None)

    @property
    def _place(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _begin(self) -> None:
        self._answered = self._listens = self._taken_over = False
        # Packet ids belong to a connection: the broker sends again what was not confirmed on it.
        self._receipts = 0
        self._waiting = [_Waiting(each.arrival, None, each.size) for each in self._waiting]

    def _session(self, stop: threading.Event) -> None:
        """Run one connection, from the first packet to its loss or to the stop."""
        client = self._client()
        if self._protocol == V5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_S
            properties.ReceiveMaximum = MAX_BATCH
            properties.MaximumPacketSize = 2 * MAX_PAYLOAD
            client.connect(
                self._settings.host,
                self._settings.port,
                self._settings.keepalive_s,
                clean_start=False,
                properties=properties,
            )
        else:
            client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
        gathered_s = 0.0
        while not stop.is_set():
            before = self._receipts
            if client.loop(GATHER_S if before else POLL_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
            self._subscription.tend(client)
            now_s = time.monotonic()
            gathered_s = gathered_s if before else now_s
            more_comes = before < self._receipts < MAX_BATCH and now_s - gathered_s < MAX_GATHER_S
            if not more_comes and now_s >= self._write_again_s:
                self._store(client)
            if len(self._waiting) >= MAX_WAITING or self._size >= MAX_WAITING_BYTES:
                self._drop_waiting()  # the broker sends it again on the next connection
                client.disconnect()
                return
        if stop.is_set():
            self._store(client)
            disconnect(client)
        elif not self._answered:
            self._hung_up()
        elif self._listens and not self._taken_over:
            self._lost()

    def _client(self) -> paho.Client:
        client = self._login.client(self._client_id, self._protocol, keeps_session=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _lost(self) -> None:
        now_s = time.monotonic()
        self._losses_s.append(now_s)
        often = len(self._losses_s) == LOSSES and now_s - self._losses_s[0] < LOSSES_S
        hint = f" again and again, so perhaps another archive connects as {self._client_id}" if often else ""
        self._tell(f"broker {self._place} lost{hint}; trying again")

    def _hung_up(self) -> None:
        self._tell(f"broker {self._place} hangs up on the login; check user, password, TLS and {self._client_id}")
        if self._settings.protocol == "auto":
            self._protocol = V3 if self._protocol == V5 else V5

    def _on_connect(
        self, client: paho.Client, _data: object, flags: paho.ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        self._answered = True
        if reason.is_failure:
            self._tell(f"broker {self._place} refuses the login ({reason}); check user, password and TLS")
            return
        self._kept_by_broker = flags.session_present
        self._subscription.begin(client)

    def _on_subscribe(
        self, _client: paho.Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        if not self._subscription.answered(mid, reasons):
            return
        refused = self._subscription.refused
        if refused:
            name, reason = next(iter(refused.items()))
            self._kept_by_broker = False  # until it grants this, it keeps nothing of it
            self._tell(f"no right to read {name} ({reason}); check the rights at the broker")
            return
        self._listens = True
        self._tell(f"connected to {self._place} as {self._client_id}", logging.INFO)
        since_s = self._file.resume(
            time.time(), kept_by_broker=self._kept_by_broker, unsure_s=2.0 * self._settings.keepalive_s
        )
        if since_s is not None:
            away = counted(round(max(time.time() - since_s, 0.0)), "second")
            log.warning("the broker has kept nothing for the last %s; alarms of that time may be missing", away)

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if "taken over" in str(reason).lower():
            self._taken_over = True
            self._tell(f"another archive connects as {self._client_id}: give each a name of its own with --client-id")

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        arrival = arrival_of(topic, bytes(message.payload), time.time(), retained=message.retain)
        receipt = message.mid if message.qos else None
        if receipt is None and (arrival is None or self._write_again_s):
            return  # news that nobody has to keep, while the disk cannot be written
        self._waiting.append(_Waiting(arrival, receipt, len(message.payload)))
        self._size += len(message.payload)
        self._receipts += receipt is not None

    def _drop_waiting(self) -> None:
        self._waiting.clear()
        self._size = self._receipts = 0

    def _store(self, client: paho.Client | None) -> None:
        """Write what waits, and confirm it to the broker. News alone waits for up to a second."""
        now_s = time.monotonic()
        durable = any(each.arrival is not None and each.arrival.topic.kind in LASTING for each in self._waiting)
        urgent = client is None or durable or self._receipts > 0 or len(self._waiting) >= MAX_BATCH
        due_s = QUIET_S if self._waiting else HEARTBEAT_S
        if not urgent and now_s - self._written_s < due_s:
            return
        arrivals = [each.arrival for each in self._waiting if each.arrival is not None]
        try:
            heard_s = time.time() if self._listens else None
            self.kept += self._file.write(arrivals, heard_s, durable=durable)
            self._forget(now_s)
        except sqlite3.Error as error:
            self._not_writable(error)
            return
        if self._write_again_s:
            self._write_again_s = 0.0
            self._tell(f"archive {self._file.path} can be written again", logging.INFO)
        self._written_s = now_s
        for each in self._waiting:
            if client is not None and each.receipt is not None:
                client.ack(each.receipt, 1)
        self._drop_waiting()

    def _forget(self, now_s: float) -> None:
        if now_s >= self._next_forget_s:
            deleted = self._file.forget(time.time(), self._retention.days, self._retention.rates_days)
            self._next_forget_s = now_s + (FORGET_S if not deleted else QUIET_S)

    def _not_writable(self, error: sqlite3.Error) -> None:
        """Keep what waits, and try again later; a damaged file is replaced at once."""
        if self._file.repair(error):
            log.error("%s", self._file.set_aside)
            return
        self._write_again_s = time.monotonic() + RETRY_S
        cure = "end what holds the file" if "locked" in str(error) else "make room"
        self._tell(f"archive {self._file.path} cannot be written ({error}): alarms wait at the broker; {cure}")

    def _tell(self, text: str, level: int = logging.WARNING) -> None:
        """Log a state once, until another follows."""
        if text != self._told:
            self._told = text
            log.log(level, "%s", text)

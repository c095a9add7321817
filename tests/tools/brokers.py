"""Real MQTT brokers for tests: iotcore from PyPI, and Mosquitto where it is installed."""

import importlib.util
import random
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as paho

KINDS = ("iotcore", "mosquitto")

_IOTCORE = """
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
"""
_IOTCORE_LISTENER = """
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 200
dynamic_filters = true
{auth}
"""


def free_port():
    """Reserve a free port below those that the system gives to clients, until this process ends.

    On a client's port, a client that keeps trying while the broker is away can connect to itself, and then it holds the
    port for ever. The port is reserved among all test processes of this machine, as a broker stops and comes back.
    """
    for port in random.sample(range(20_000, 32_000), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                reservation.bind(f"\0gammabox-test-port-{port}")  # an abstract name, which ends with its process
            except OSError:
                reservation.close()
                raise
            reservation.detach()  # stays open, without a warning about that
            return port
    raise RuntimeError("none of 200 ports is free")


def installed(kind):
    return mosquitto() is not None if kind == "mosquitto" else importlib.util.find_spec(kind) is not None


def mosquitto():
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class RealBroker:
    """A broker on this machine that can be stopped and started again at the same place.

    iotcore speaks one MQTT version on each listener, so it has two ports; Mosquitto has one for both. Neither keeps
    messages over a restart here.
    """

    def __init__(
        self, kind: str, folder: Path, login: tuple[str, str] | None = None, mosquitto_lines: tuple[str, ...] = ()
    ) -> None:
        self.kind = kind
        self.port = free_port()
        self.port_v3 = free_port() if kind == "iotcore" else self.port
        self._folder = folder
        self._login = login
        self._mosquitto_lines = mosquitto_lines
        self._running = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    def start(self):
        if self.kind == "iotcore":
            from iotcore import Broker as IotcoreBroker

            self._running = IotcoreBroker(config_path=str(self._iotcore_config())).start()
        else:
            self._running = subprocess.Popen(
                [mosquitto(), "-c", self._mosquitto_config()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            self._wait_until_open()

    def publish(self, messages):
        """Publish (topic, payload) pairs as retained messages and wait until the broker has them."""
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        for topic, payload in messages:
            client.publish(topic, payload, qos=1, retain=True).wait_for_publish(30)
        client.disconnect()
        client.loop_stop()

    def stop(self):
        running, self._running = self._running, None
        if running is None:
            return
        if self.kind == "iotcore":
            running.stop()
        else:
            running.kill()
            running.wait()

    def _wait_until_open(self):
        deadline = time.monotonic() + 10
        while not self._open():
            if time.monotonic() > deadline:
                raise RuntimeError("mosquitto did not come up")
            time.sleep(0.02)

    def _open(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _iotcore_config(self):
        auth = f'auth = {{ {self._login[0]} = "{self._login[1]}" }}' if self._login else ""
        listeners = [
            _IOTCORE_LISTENER.format(version=version, port=port, auth=auth)
            for version, port in (("v4", self.port_v3), ("v5", self.port))
        ]
        path = self._folder / f"iotcore-{self.port}.toml"
        path.write_text(_IOTCORE + "".join(listeners), encoding="utf-8")
        return path

    def _mosquitto_config(self):
        lines = [f"listener {self.port} 127.0.0.1", "max_inflight_messages 0"]
        if self._login:
            passwords = self._folder / f"passwords-{self.port}"
            subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, *self._login], check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines += ["allow_anonymous true"]
        path = self._folder / f"mosquitto-{self.port}.conf"
        path.write_text("\n".join([*lines, *self._mosquitto_lines, "user root", ""]), encoding="utf-8")
        return path

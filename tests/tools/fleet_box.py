"""A box of a fleet in a folder: the real updater, a played agent, and a connection to the site's broker."""

import shutil
import threading

import paho.mqtt.client as mqtt
import release_rig as rig
from paho.mqtt.enums import CallbackAPIVersion
from reports import GOOD_INFO, STAMP
from slot_box import make_box, started_agent, write_slot

from edge.config.device import DeviceSettings
from edge.installer.trust import save_trust
from edge.offers import Offers
from edge.telemetry.inbox import Arrived
from edge.telemetry.login import trusting
from edge.telemetry.messages import Info, Status, encode
from edge.updater.disk import Disk
from edge.updater.download import Server, context_of
from edge.updater.run import Updater


class FleetBox:
    """Takes offers of releases as a box does. `behaviour` is what a new release does on it."""

    def __init__(self, folder, broker, device, behaviour="works"):
        self.device, self.behaviour, self.offers_heard = device, behaviour, []
        self.layout = make_box(folder / device)
        save_trust(self.layout.home / "trust.json", rig.TRUST)
        self.layout.authority.parent.mkdir(parents=True)
        shutil.copy(broker.credentials / "ca.crt", self.layout.authority)
        shutil.copy("/etc/os-release", self.layout.root / "etc/os-release")
        self.agent = started_agent(self.layout)
        self._broker = broker
        self._offers = Offers(self._settings(), self.layout.own)
        self._wake, self._ended = threading.Event(), False
        self._client = self._connected()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._update, self._tell)]
        for thread in self._threads:
            thread.start()

    @property
    def slot(self):
        return self.layout.pointer.readlink().name

    def fill(self, release, slot):
        write_slot(slot, self.behaviour, release.manifest.name)
        (slot / "release.json").write_bytes(release.envelope)

    def reconnect(self):
        """Go offline and come back, as after a start of the box."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client = self._connected()

    def close(self):
        self._ended = True
        self._wake.set()
        for thread in self._threads:
            thread.join(20)
        self._client.disconnect()
        self._client.loop_stop()
        self.agent.stop()

    def _settings(self):
        return DeviceSettings.model_validate(
            {
                "site": self._broker.site.site,
                "device": self.device,
                "source": {"spec": "x.avi"},
                "mqtt": {"host": "127.0.0.1"},
                "outbox": {"path": self.layout.agent / "outbox.sqlite"},
            }
        )

    def _connected(self):
        folder = self._broker.credentials / "boxes" / self.device
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        context = trusting(self._broker.credentials / "ca.crt")
        context.load_cert_chain(folder / "box.crt", folder / "box.key")
        client.tls_set_context(context)
        client.on_connect = self._greet
        client.on_message = self._hear
        client.connect("127.0.0.1", self._broker.site.broker.port)
        client.loop_start()
        return client

    def _greet(self, client, *_):
        client.subscribe([(name, 1) for name in self._offers.filters])
        self._publish("status", Status(**self._stamp(), state="online", reason="connected"), client)
        self._publish("info", self._info(), client)

    def _hear(self, _client, _data, message):
        self.offers_heard.append(bytes(message.payload))
        self._offers.hear([Arrived(message.topic, message.payload, len(message.payload), message.retain)])
        self._wake.set()

    def _update(self):
        """Do what systemd does when the file of an offer changes."""
        while not self._ended:
            self._wake.wait()
            self._wake.clear()
            server = Server(context_of(self.layout.authority), timeout_s=5.0, pauses_s=(0.0,))
            if not self._ended:
                Updater(self.layout, Disk(), self.agent.around(), server).run()

    def _tell(self):
        while not self._ended:
            if self._offers.has_news():
                self._publish("info", self._info(), self._client)
            threading.Event().wait(0.05)

    def _info(self):
        release = (self.layout.pointer / "RELEASE").read_text().split()[0]
        return Info(**self._stamp(), **{**GOOD_INFO, "release": release, "update": self._offers.report})

    def _stamp(self):
        return {**STAMP, "site": self._broker.site.site, "device": self.device}

    def _publish(self, kind, message, client):
        client.publish(f"gammabox/{self._broker.site.site}/{self.device}/{kind}", encode(message), qos=1, retain=True)

"""Updates a box below a root folder with real releases: real environments, agent, HTTPS, broker and roll-out.

`make check-update`. Release 1 is installed and runs from a clip. Then `gammabox-firmware update` rolls out release 2,
which has to be committed; 3, whose agent crashes, and 4, whose agent never connects, which have to be rolled back; and
5, signed by a stranger, which has to be refused. This program plays systemd: it starts the agent again when it ends,
and the box's tool when a release is offered. Needs Mosquitto. Wheels are fetched once and kept in build/update.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from check_arm import write_clip
from check_delivery import wait_for
from check_release import PYTHON, choices, is_here, wheels_of
from update_cases import CASES, KEYS, RUNS_AFTERWARDS, make_keys, make_release, web_server

from edge.installer.trust import save_trust
from edge.updater.__main__ import is_reachable
from edge.updater.disk import Disk
from edge.updater.download import Server, context_of
from edge.updater.errors import UpdaterError
from edge.updater.heartbeat import read_heartbeat
from edge.updater.layout import Layout
from edge.updater.machine import Surroundings
from edge.updater.run import Updater
from edge.updater.service import Process
from firmware_config import release_keys
from firmware_config.broker import write_broker
from firmware_config.credentials import create
from firmware_config.device import device_settings
from firmware_config.site import Box, Broker, Site
from firmware_config.tool import NAME as TOOL_NAME
from firmware_config.tool import tool_bytes
from firmware_config.yaml_text import block

DEVICE = "gate-1"
ONLINE_S = 300.0


class Agent:
    """The agent as a service: started, stopped, and started again when it ends by itself."""

    def __init__(self, layout: Layout, log: Path) -> None:
        self._layout, self._log = layout, log
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts, self._crashed, self._wanted = 0, None, False
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def start(self) -> None:
        """Start the agent of the active slot."""
        with self._lock:
            self._wanted, self._crashed = True, None
            self._spawn()

    def stop(self) -> None:
        """Stop the agent."""
        with self._lock:
            self._wanted = False
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
                self._process.wait(10)
            shutil.rmtree(self._layout.heartbeat.parent, ignore_errors=True)

    def look(self) -> Process:
        """Return how the agent stands."""
        return Process(self._wanted, self._crashed)

    def _spawn(self) -> None:
        run = self._layout.heartbeat.parent
        run.mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": "/usr/bin:/bin",
            "RUNTIME_DIRECTORY": str(run),
            "GAMMABOX_UPDATER": str(self._layout.own),
        }
        command = [self._layout.pointer / "bin/gammabox-edge", "run", "--config"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, self._layout.root / "etc/gammabox/device.yaml"],
                env=environment,
                cwd=self._layout.agent,
                stdout=log,
                stderr=log,
            )

    def _watch(self) -> None:
        while True:
            time.sleep(0.2)
            with self._lock:
                ended = self._process is not None and self._process.poll() is not None
                if self._wanted and ended and self._crashed is None:
                    self._crashed = f"exit code {self._process.returncode}"


class Checked:
    """The box, its site, and the releases."""

    def __init__(self, folder: Path, work: Path, port: int) -> None:
        self.folder, self.work = folder, work
        self.layout = Layout(work / "box")
        self.site = Site(
            site="check",
            broker=Broker(host="127.0.0.1", port=port),
            boxes=(Box(device=DEVICE, board="pc", camera=str(folder / "clip.avi")),),
        )
        self.credentials = work / "credentials"
        self.log = work / "agent.log"
        self.agent = Agent(self.layout, self.log)

    def prepare(self) -> None:
        """Make wheels, clip, keys, credentials, broker and site file."""
        self.choice = next(choice for choice in choices() if is_here(choice))
        self.wheels = wheels_of(self.choice, self.folder)
        write_clip(self.folder / "clip.avi")
        make_keys(self.work)
        create(self.credentials, self.site)
        write_broker(self.work / "broker", self.site, self.credentials)
        text = json.dumps(self.site.model_dump(mode="json", exclude_none=True), indent=1)
        (self.work / "site.yaml").write_text(text, encoding="utf-8")

    def make(self, number: int, keys: str = KEYS) -> Path:
        """Make a release, with its bug where it has one."""
        return make_release(self.choice, number, self.wheels, self.work / keys, self.work)

    def install(self, path: Path) -> None:
        """Install the first release with the tool, as the system's Python runs it."""
        root = self.layout.root
        (root / "etc/gammabox").mkdir(parents=True)
        shutil.copyfile("/etc/os-release", root / "etc/os-release")
        for folder in (self.layout.agent, self.layout.own):
            folder.mkdir(parents=True)
        box = self.credentials / "boxes" / DEVICE
        for source in (self.credentials / "ca.crt", box / "box.crt", box / "box.key"):
            shutil.copy(source, root / "etc/gammabox")
        settings = device_settings(self.site.site, self.site.broker, self.site.boxes[0])
        settings["outbox"] = {"path": str(self.layout.agent / "outbox.sqlite")}
        (root / "etc/gammabox/device.yaml").write_text(block(settings), encoding="utf-8")
        save_trust(self.work / "trust.json", release_keys.load(self.work / KEYS).trust)
        (self.work / TOOL_NAME).write_bytes(tool_bytes())
        tool = [PYTHON, "-I", self.work / TOOL_NAME, "install", path, "--trust", self.work / "trust.json"]
        subprocess.run([*tool, "--root", root, "--no-start"], check=True)

    def is_online(self) -> bool:
        """Return whether the agent says that it is connected to the broker."""
        heartbeat = read_heartbeat(self.layout.heartbeat)
        return heartbeat is not None and heartbeat.online

    def update(self, path: Path, url: str) -> tuple[int, str]:
        """Roll a release out; return the exit code and the last line."""
        words = ["update", path, "--site", self.work / "site.yaml", "--url", url, "--publish", self.work / "web"]
        program = "from firmware_config.commands import main; main()"
        ran = subprocess.run(
            [sys.executable, "-c", program, *words, "--wait", "15"], stdout=subprocess.PIPE, text=True, check=False
        )
        return ran.returncode, ran.stdout.strip().splitlines()[-1].strip() if ran.stdout.strip() else ""

    def play_systemd(self, ended: threading.Event) -> None:
        """Start the updater whenever the file of the offer has changed."""
        known = 0
        while not ended.wait(0.5):
            found = self.layout.offer.stat().st_mtime_ns if self.layout.offer.exists() else 0
            if found == known:
                continue
            known = found
            server = Server(context_of(self.layout.authority))
            around = Surroundings(self.agent, reachable=is_reachable)
            try:
                Updater(self.layout, Disk(), around, server).run()
            except UpdaterError as error:
                print(f"updater: {error}", file=sys.stderr)


def main() -> int:
    """Check all; return 0 when everything went as it should, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where wheels are kept")
    parser.add_argument("--port", type=int, default=18883, help="port of the broker")
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gammabox-update-") as temporary:
        return checked(Checked(folder, Path(temporary), options.port))


def checked(box: Checked) -> int:
    """Install, update, and say what came of it."""
    box.prepare()
    box.install(box.make(1))
    log = (box.work / "broker.log").open("wb")
    broker = subprocess.Popen(["sh", str(box.work / "broker/run.sh")], stdout=log, stderr=log, start_new_session=True)
    server, url = web_server(box.work / "web", box.credentials)
    ended, wrong = threading.Event(), 0
    systemd = threading.Thread(target=box.play_systemd, args=(ended,))
    systemd.start()
    box.agent.start()
    try:
        if not wait_for(box.is_online, ONLINE_S):
            said = box.log.read_text(encoding="utf-8", errors="replace") if box.log.exists() else ""
            print(f"{said[-2000:]}\nFAILED: release 1 is not online within {ONLINE_S:.0f} s", file=sys.stderr)
            return 1
        time.sleep(15)
        for case in CASES:
            begun = time.monotonic()
            found, said = box.update(box.make(case.number, case.keys), url)
            slot = (box.layout.pointer / "RELEASE").read_text(encoding="utf-8").split()[0]
            good = found == case.code and case.words in said and slot.endswith(f"-{RUNS_AFTERWARDS}")
            wrong += not good
            print(f"{'ok' if good else 'WRONG'}: {case.what}: exit code {found}, {said}; runs {slot}", flush=True)
            print(f"   {time.monotonic() - begun:.0f} s with making, fetching, installing and judging it", flush=True)
    finally:
        ended.set()
        systemd.join()
        box.agent.stop()
        server.shutdown()
        os.killpg(broker.pid, signal.SIGTERM)
    print("PASSED" if not wrong else f"FAILED: {wrong} releases")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

"""A box with two slots in a folder, whose agent is played: it writes heartbeats and a real outbox, as its slot says."""

import json
import shutil
import sqlite3
import stat
from pathlib import Path

from edge.telemetry.outbox import Outbox
from edge.telemetry.outbox_file import LAYOUT
from edge.telemetry.outgoing import Outgoing
from edge.updater.gate import Limits
from edge.updater.heartbeat import Heartbeat, write_heartbeat
from edge.updater.layout import Layout
from edge.updater.machine import Candidate, Surroundings
from edge.updater.service import Process

BROKER = ("127.0.0.1", 1883)
LIMITS = Limits(start_s=20, hung_s=10, working_s=30, steady_s=5, broker_s=10)
BEHAVIOUR = "behaviour"
WHOLE = "RELEASE"
OLD_LAYOUT, NEW_LAYOUT = LAYOUT, LAYOUT + 1


def alarm(text):
    return Outgoing("gammabox/s/d/alarm", text.encode(), retain=False, keep="always", boot_id="b")


class PlayedAgent:
    """The service of the agent and the clock of the box. Time passes only where the updater waits.

    What its slot says it does: works; crashes; hangs; is silent; has no frames; has little light; has no broker; fails
    the first time. `newer` beside it: it writes an outbox and a state that an older release cannot read.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.now_s = 1000.0
        self.running = None
        self.crashed = None
        self.is_reachable = True
        self.acknowledged = []
        self.stopped_by_hand = False
        self.refused = []
        self._number = 0
        self._outbox = None
        self._newer = None

    def around(self, **changes):
        given = {
            "service": self,
            "reachable": lambda _: self.is_reachable,
            "now_s": lambda: self.now_s,
            "sleep": self.sleep,
            "limits": LIMITS,
            "patience_s": 60.0,
        }
        return Surroundings(**given | changes)

    def start(self):
        if self.running is not None:
            return
        slot = self.layout.pointer.resolve()
        assert (slot / WHOLE).exists(), "the pointer names a slot that is not whole"
        self.running, self.crashed, self._started_s = (slot / BEHAVIOUR).read_text().split(), None, self.now_s
        if "crashes" in self.running:
            self.crashed = "exit-code"
            return
        state = self.layout.agent
        if "newer" in self.running:
            self._newer = migrated(state / "outbox.sqlite")
            (state / "alarm.json").write_text('{"schema_version": 2}')
        else:
            self._require_old(state)
            self._outbox = Outbox(state / "outbox.sqlite", 1000)
        self.beat()

    def _require_old(self, state):
        """Note where an older release would be given what it refuses."""
        if (state / "outbox.sqlite").exists() and layout_of(state / "outbox.sqlite") != OLD_LAYOUT:
            self.refused.append("outbox")
        if (state / "alarm.json").exists() and json.loads((state / "alarm.json").read_text())["schema_version"] != 1:
            self.refused.append("alarm")

    def stop(self):
        if self._outbox is not None:
            self._outbox.close()
        if self._newer is not None:
            self._newer.close()
        self.running = self._outbox = self._newer = None

    def look(self):
        return Process(wanted=self.running is not None and not self.stopped_by_hand, crashed=self.crashed)

    def sleep(self, seconds):
        self.now_s += seconds
        self.beat()

    def beat(self):
        """Live for a moment: put an alarm into the outbox, and say how it goes."""
        if self.running is None or "crashes" in self.running or "silent" in self.running:
            return
        if "hangs" in self.running and self.now_s - self._started_s > 3:
            return
        if self._number < 8 or int(self.now_s) % 5 == 0:
            self.put()
        frames = 0 if "no-frames" in self.running else int(25 * (self.now_s - self._started_s)) + 1
        heartbeat = Heartbeat(
            boot_id=str(self._started_s),
            beat_s=self.now_s,
            frames=frames,
            fps=25.0 if frames else 0.0,
            live_fraction=0.1 if "dark" in self.running else 0.8,
            online=self.is_reachable and "no-broker" not in self.running,
            broker=BROKER,
            faults=("the camera is lost",) if not frames else (),
        )
        self.layout.heartbeat.parent.mkdir(parents=True, exist_ok=True)
        write_heartbeat(self.layout.heartbeat, heartbeat)

    def put(self):
        """Put an alarm into the outbox. It is acknowledged when this returns."""
        self._number += 1
        text = f"alarm {self._number}"
        if self._newer is not None:
            with self._newer:
                self._newer.execute(
                    "INSERT INTO message (topic, payload, retain, keep, priority, boot_id, made_s, made_utc_s, colour)"
                    " VALUES (?, ?, 0, 'always', 1, 'b', 0, 0, 'new')",
                    ("gammabox/s/d/alarm", text.encode()),
                )
        else:
            self._outbox.put(alarm(text))
        self.acknowledged.append(text)

    def lose_power(self, lose):
        """End without a word, then lose what is not on disk."""
        files = {path: path.read_bytes() for path in self.layout.agent.glob("outbox.sqlite*")}
        if self._outbox is not None:
            self._outbox._file.close()
            self._outbox._closed = True
            self._outbox._wake.set()
        if self._newer is not None:
            self._newer.close()
        for path in self.layout.agent.glob("outbox.sqlite*"):
            if path not in files:
                path.unlink()
        for path, content in files.items():  # closing has tidied up, which a power cut does not
            path.write_bytes(content)
        self.running = self._outbox = self._newer = None
        lose()
        shutil.rmtree(self.layout.heartbeat.parent, ignore_errors=True)  # it lay in memory

    def waiting(self):
        """Return the payloads that wait in the outbox of the agent that runs."""
        if self._newer is not None:
            return [row[0].decode() for row in self._newer.execute("SELECT payload FROM message ORDER BY id")]
        return [each.message.payload.decode() for each in self._outbox.next(100_000)]


def migrated(path):
    """Open an outbox as a newer release does: with one more column, and another layout."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    if database.execute("PRAGMA user_version").fetchone()[0] != NEW_LAYOUT:
        database.execute("ALTER TABLE message ADD COLUMN colour TEXT")
        database.execute(f"PRAGMA user_version = {NEW_LAYOUT}")
    return database


def layout_of(path):
    database = sqlite3.connect(path)
    try:
        return database.execute("PRAGMA user_version").fetchone()[0]
    finally:
        database.close()


def write_slot(folder: Path, behaviour: str, release: str) -> None:
    """Make a slot as the installer does: emptied first, whole with the last file."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/gammabox-edge").write_text("agent", encoding="utf-8")
    (folder / BEHAVIOUR).write_text(behaviour, encoding="utf-8")
    (folder / WHOLE).write_text(release + "\n", encoding="utf-8")


def candidate(behaviour="works", release="2") -> Candidate:
    return Candidate(release, f"{release}-{behaviour}", lambda slot: write_slot(slot, behaviour, release))


def started_agent(layout: Layout) -> PlayedAgent:
    """Return the agent of a box, which has worked for some seconds."""
    agent = PlayedAgent(layout)
    agent.start()
    agent.sleep(5)
    return agent


def tree_of(folder: Path) -> dict:
    """Return what a folder holds, to see whether it was touched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[path.relative_to(folder)] = (stat.S_IFMT(status.st_mode), content, status.st_mtime_ns)
    return found


def make_box(root: Path) -> Layout:
    """Make a box on whose slot a works a release."""
    layout = Layout(root)
    for folder in (layout.own, layout.agent, layout.blobs, layout.home / "slots/b"):
        folder.mkdir(parents=True)
    write_slot(layout.slot("a"), "works", "1")
    layout.pointer.symlink_to(Path("slots/a"))
    (layout.agent / "alarm.json").write_text('{"schema_version": 1, "count": 5}', encoding="utf-8")
    (layout.agent / "commands.json").write_text('{"schema_version": 1}', encoding="utf-8")
    return layout

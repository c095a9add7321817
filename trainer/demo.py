"""The demonstration: film a source that appears, run the agent on the film, show what a control room sees, judge it.

Everything is real: the commands are those of the users, the broker is an MQTT broker in a child process, the agent is
`gammabox-edge run`. Run it with `make demo`, or `python -m trainer.demo FOLDER`.
"""

from __future__ import annotations

import argparse
import io
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from iotcore import Broker
from rich.console import Console
from rich.text import Text

from edge.commands.broker import broker_settings
from edge.control_room.arrivals import Received
from edge.control_room.lines import as_line
from edge.control_room.subscriber import Subscriber
from edge.output import PICTURE_MARK, is_picture, require_free
from edge.telemetry.messages import AlarmMessage, HitMessage
from edge.truth import compare, read_truth
from trainer.demo_view import show
from trainer.filming.record import is_record

if TYPE_CHECKING:
    from edge.truth import Score

FPS = 25
SECONDS = 24.0
SOURCE_APPEARS_S = 10.0
DOSE_RATE_USV_H = 1000.0
EXPOSURE_S = 0.033
MIN_RECALL = 0.8
SITE, DEVICE = "demo", "entrance"
PICTURE_COLUMNS = 130
RUN_SHOWN = 3
PATIENCE_S = 0.25
LARGEST_MESSAGE_BYTES = 256_000

DEVICE_YAML = """\
site: {site}
device: {device}
place: Main entrance, above the door
position: {{latitude: 53.54525, longitude: 9.96638}}
source:
  spec: film.avi        # on a box: /dev/video0
  pace: camera
  exposure_s: {exposure_s}
  loop: {loop}
mqtt:
  host: 127.0.0.1
  port: {port}
telemetry:
  health_interval_s: 5
"""


@dataclass(frozen=True, slots=True)
class FoundHit:
    """A hit as it arrived at the control room."""

    frame: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of the demonstration.

    Attributes
    ----------
    score : Score
        Hits that arrived against the hits that were filmed.
    frames : int
        Number of frames of the film.
    early_alarms : int
        Alarms before the source appeared.
    alarm_after_s : float or None
        Seconds of the film from the source's appearance to the alarm; None without an alarm.

    """

    score: Score
    frames: int
    early_alarms: int
    alarm_after_s: float | None

    @property
    def good(self) -> bool:
        """Whether the system did what it is for."""
        return self.score.recall >= MIN_RECALL and self.early_alarms == 0 and self.alarm_after_s is not None


def main() -> None:
    """Run the demonstration; exit 1 if it fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the film and the agent's files go")
    parser.add_argument("--seed", type=int, default=1, help="of the film; the same seed films the same (default 1)")
    parser.add_argument("--picture", type=Path, help="also draw what was seen, shortened, as an SVG of a terminal")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    require_own(folder)
    if arguments.picture is not None:
        require_free(arguments.picture, is_picture)
    folder.mkdir(parents=True, exist_ok=True)
    film(folder, arguments.seed)
    arrived = _watch_the_agent(folder)
    verdict = judge(folder, arrived)
    print("\n3. Truth against detection\n" + "\n".join(_lines(verdict)))
    if arguments.picture is not None:
        draw(arguments.picture, arrived, verdict)
    say("4. The alarm as a guard sees it (gammabox-edge watch)")
    show(arrived, SITE)
    if not verdict.good:
        sys.stderr.write(
            f"error: the demonstration failed: it wants {MIN_RECALL:.0%} of the visible hits, an alarm after the "
            "source appears and none before; agent.log lies beside the film\n"
        )
    sys.exit(0 if verdict.good else 1)


def judge(folder: Path, arrived: list[Received]) -> Verdict:
    """Compare what arrived at the control room with the film's truth."""
    messages = [received.message for received in arrived]
    with_hits = [message for message in messages if isinstance(message, HitMessage)]
    hits = [FoundHit(message.frame, hit.x, hit.y) for message in with_hits for hit in message.hits]
    raised = [message.utc for message in messages if isinstance(message, AlarmMessage) and message.state == "raised"]
    # Messages carry the wall time of their frame: any one with its frame number tells when the film began.
    began = [message.utc - timedelta(seconds=message.frame / FPS) for message in with_hits[:1]]
    raised_s = [(utc - began[0]).total_seconds() if began else 0.0 for utc in raised]
    after_s = [at_s - SOURCE_APPEARS_S for at_s in raised_s if at_s >= SOURCE_APPEARS_S]
    return Verdict(
        score=compare(read_truth(folder / "film.jsonl"), hits),
        frames=round(SECONDS * FPS),
        early_alarms=len(raised_s) - len(after_s),
        alarm_after_s=min(after_s, default=None),
    )


def require_own(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier demonstration: its film is removed and made again."""
    if folder.is_dir() and any(folder.iterdir()) and not is_record(folder / "film.json"):
        raise SystemExit(f"error: {folder}: holds files of others; name a new or empty folder")


def film(folder: Path, seed: int) -> None:
    """Film the source in a scene, in place of an earlier film."""
    for ending in (".avi", ".jsonl", ".json"):
        (folder / "film").with_suffix(ending).unlink(missing_ok=True)
    say(f"1. Film {SECONDS:.0f} s of a scene; after {SOURCE_APPEARS_S:.0f} s a Tc-99m source appears")
    _command(
        *("gammabox-trainer", "film", str(folder / "film.avi"), "--fps", str(FPS), "--seconds", str(SECONDS)),
        *("--nuclide", "Tc-99m", "--dose-rate", str(DOSE_RATE_USV_H), "--start", str(SOURCE_APPEARS_S)),
        *("--exposure", str(EXPOSURE_S), "--seed", str(seed)),
    )


def prepare_agent(folder: Path, port: int, *, loop: bool = False) -> Path:
    """Write the settings of the agent and remove what an earlier run has kept. Return the file of the settings."""
    config = folder / "device.yaml"
    values = {"site": SITE, "device": DEVICE, "port": port, "exposure_s": EXPOSURE_S, "loop": str(loop).lower()}
    config.write_text(DEVICE_YAML.format(**values), encoding="utf-8")
    for kept in ("outbox.sqlite", "alarm.json", "commands.json"):
        (folder / kept).unlink(missing_ok=True)
    return config


def _watch_the_agent(folder: Path) -> list[Received]:
    say("2. Start an MQTT broker, a control room and the agent; this is what the control room sees")
    port = free_port()
    config = prepare_agent(folder, port)
    arrived: list[Received] = []
    with (
        Broker(port=port, listen="127.0.0.1", max_payload_size=LARGEST_MESSAGE_BYTES),
        Subscriber(broker_settings(f"127.0.0.1:{port}"), SITE) as control_room,
        (folder / "agent.log").open("w", encoding="utf-8") as log,
        subprocess.Popen([script("gammabox-edge"), "run", "--config", str(config)], stdout=log, stderr=log) as agent,
    ):
        running = True
        while running:
            running = agent.poll() is None
            for event in control_room.poll(PATIENCE_S):
                print(f"   {as_line(event)}", flush=True)
                if isinstance(event, Received):
                    arrived.append(event)
    if agent.returncode:
        sys.stderr.write((folder / "agent.log").read_text(encoding="utf-8"))
        raise SystemExit(agent.returncode)
    return arrived


def draw(path: Path, arrived: list[Received], verdict: Verdict) -> None:
    """Draw a terminal with the messages, long runs of hits shortened, and the verdict."""
    console = Console(record=True, file=io.StringIO(), width=PICTURE_COLUMNS, highlight=False)
    console.print("$ make demo", style="bold")
    run = 0
    for received in arrived:
        is_hit = isinstance(received.message, HitMessage)
        if not is_hit and run > RUN_SHOWN:
            console.print(f"   ... {run - RUN_SHOWN} more messages with hits ...", style="dim")
        run = run + 1 if is_hit else 0
        if run <= RUN_SHOWN:
            message = received.message
            is_alarm = isinstance(message, AlarmMessage) and message.state not in {"cleared", "learning"}
            style = "bold red" if is_alarm else ""
            console.print(Text(f"   {as_line(received)}", style=style, no_wrap=True, overflow="ellipsis"))
    console.print("\n" + "\n".join(_lines(verdict)))
    svg = console.export_svg(title="gammabox: what a control room sees")
    path.write_text(f"{PICTURE_MARK}\n{svg}", encoding="utf-8")


def _lines(verdict: Verdict) -> list[str]:
    score = verdict.score
    after = "none came" if verdict.alarm_after_s is None else f"{verdict.alarm_after_s:5.1f} s"
    return [
        f"   visible hits filmed (25 grey levels or more)   {score.visible:5d}",
        f"   of these found                                 {score.found:5d}   {score.recall:.1%}",
        f"   hits filmed, the faint ones included           {score.true_hits:5d}",
        f"   of these found                                 {score.found_all:5d}",
        f"   false hits                                     {score.false_hits:5d}   in {verdict.frames} frames",
        f"   alarms before the source appeared              {verdict.early_alarms:5d}",
        f"   time from the source's appearance to the alarm {after}",
    ]


def say(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n{text}", flush=True)


def _command(*words: str) -> None:
    print("   $ " + " ".join(words), flush=True)
    code = subprocess.run([script(words[0]), *words[1:]], check=False).returncode
    if code:
        raise SystemExit(code)


def script(name: str) -> str:
    """Find a console script of the environment that runs us, whether or not it is on PATH."""
    return str(Path(sys.executable).parent / name)


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    main()

"""Films weak sources over a moving scene and tells when the agent, as it ships, raises the alarm.

`scripts/check_field.py OUT` films 1920x1080 with people who walk and cars that pass: first without a source, for the
background, then with one of 50 µSv/h for 60 s. Each film is run through `gammabox-edge run` and a broker. The exit code
is 1 where an alarm comes before the source, or none within 60 s after it. Films that are in OUT already are used again.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from iotcore import Broker

from edge.commands.broker import broker_settings
from edge.commands.console import EXIT_CHECK_FAILED
from edge.control_room.arrivals import Received
from edge.control_room.subscriber import Subscriber
from edge.telemetry.messages import AlarmMessage, HitMessage, Status
from edge.text import counted
from edge.truth import VISIBLE_DN, read_truth

FPS = 25
LARGEST_MESSAGE_BYTES = 256_000

DEVICE_YAML = """\
site: field
device: box
source: {{spec: {film}, pace: {pace}, exposure_s: {exposure_s}}}
mqtt: {{host: 127.0.0.1, port: {port}}}
outbox: {{path: outbox.sqlite}}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the control room saw of one film.

    Attributes
    ----------
    seed : int
    hits_filmed, hits_found : int
        Hits of 25 grey levels or more in the film; hits that arrived.
    early_alarms : int
        Alarms before the source.
    alarm_after_s : float or None
        From the source to the alarm; None without one.

    """

    seed: int
    hits_filmed: int
    hits_found: int
    early_alarms: int
    alarm_after_s: float | None


def run_of(module: str, *words: str) -> list[str]:
    """Return the words that run a command of this checkout."""
    return [sys.executable, "-c", f"from {module} import main; main()", *words]


def film(path: Path, seed: int, options: argparse.Namespace) -> None:
    """Film the scene unless a whole film of it is there."""
    done = path.with_suffix(".done")
    if done.exists():
        return
    for ending in (".avi", ".jsonl", ".json"):
        path.with_suffix(ending).unlink(missing_ok=True)
    words = ["film", str(path), "--scene", options.scene, "--nuclide", options.nuclide]
    words += ["--dose-rate", str(options.dose_rate), "--start", str(options.quiet), "--fps", str(FPS)]
    words += ["--seconds", str(options.quiet + options.seconds), "--exposure", str(options.exposure)]
    subprocess.run(run_of("trainer.commands.cli", *words, "--seed", str(seed)), check=True)
    done.touch()


def watch(path: Path, options: argparse.Namespace) -> list[Received]:
    """Run the agent on a film and return what arrives at the control room."""
    folder = path.parent
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for kept in ("outbox.sqlite", "alarm.json"):
        (folder / kept).unlink(missing_ok=True)
    config = folder / "device.yaml"
    text = DEVICE_YAML.format(film=path.name, pace=options.pace, exposure_s=options.exposure, port=port)
    config.write_text(text, encoding="utf-8")
    arrived: list[Received] = []
    with (
        Broker(port=port, listen="127.0.0.1", max_payload_size=LARGEST_MESSAGE_BYTES),
        Subscriber(broker_settings(f"127.0.0.1:{port}"), "field") as control_room,
        (folder / "agent.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(run_of("edge.commands.cli", "run", "--config", str(config)), stdout=log, stderr=log) as agent,
    ):
        over = False
        while not over:
            over = agent.poll() is not None
            events = control_room.poll(0.5)
            arrived += [event for event in events if isinstance(event, Received)]
            over = over and not events
    if agent.returncode:
        raise SystemExit((folder / "agent.log").read_text(encoding="utf-8"))
    return arrived


def judge(path: Path, seed: int, arrived: list[Received], quiet_s: float) -> Outcome:
    """Compare the alarms with the source's time."""
    messages = [received.message for received in arrived if not isinstance(received.message, Status)]
    with_hits = [message for message in messages if isinstance(message, HitMessage)]
    raised = [message.utc for message in messages if isinstance(message, AlarmMessage) and message.state == "raised"]
    begins = [message.utc - timedelta(seconds=message.frame / FPS) for message in with_hits[:1]]
    raised_s = [(utc - begins[0]).total_seconds() if begins else 0.0 for utc in raised]
    after_s = [at_s - quiet_s for at_s in raised_s if at_s >= quiet_s]
    return Outcome(
        seed=seed,
        hits_filmed=sum(hit.added_dn >= VISIBLE_DN for hit in read_truth(path.with_suffix(".jsonl"))),
        hits_found=sum(len(message.hits) for message in with_hits),
        early_alarms=len(raised_s) - len(after_s),
        alarm_after_s=min(after_s, default=None),
    )


def main() -> int:
    """Film, run the agent, print a line a film; return 1 where the alarm is late, early or missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the films and the agent's files")
    parser.add_argument("--scene", default="generated", help="what the camera sees; see gammabox-trainer film")
    parser.add_argument("--nuclide", default="Tc-99m")
    parser.add_argument("--dose-rate", type=float, default=50.0, help="µSv/h")
    parser.add_argument("--quiet", type=float, default=90.0, help="seconds before the source")
    parser.add_argument("--seconds", type=float, default=60.0, help="seconds with it")
    parser.add_argument("--exposure", type=float, default=0.04, help="of a frame, seconds; 0.04 is all its time")
    parser.add_argument("--pace", choices=("camera", "fast"), default="fast")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for seed in options.seeds:
        path = options.out / f"field-{seed}.avi"
        film(path, seed, options)
        outcome = judge(path, seed, watch(path, options), options.quiet)
        outcomes.append(outcome)
        if not options.json:
            when = "no alarm" if outcome.alarm_after_s is None else f"alarm after {outcome.alarm_after_s:.1f} s"
            early = f"{counted(outcome.early_alarms, 'alarm')} before the source"
            hits = f"{outcome.hits_found} hits arrived, {outcome.hits_filmed} visible ones filmed"
            print(f"seed {seed}: {when}, {early}; {hits}", flush=True)
    if options.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes]))
    good = all(not each.early_alarms and each.alarm_after_s is not None for each in outcomes)
    return 0 if good else EXIT_CHECK_FAILED


if __name__ == "__main__":
    sys.exit(main())

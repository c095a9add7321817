"""The part of `make check-camera` that runs in the virtual machine, on the kernel's virtual camera."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge.capture.source import open_source
from edge.capture.v4l2_controls import AUTO_GAIN, GAIN, Control, Controls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.capture.base import Source
    from edge.capture.frame import Frame

CAMERA = "/dev/video0"
SIZE = (640, 480)
FPS = 25
GAIN_WANTED = 50
DRIVER = Path("/sys/bus/platform/drivers/vivid")
DEVICE = "vivid.0"
PATIENCE_S = 60.0
HORIZONTAL_MOVEMENT, MOVE_RIGHT_FAST = 0x00F0F002, 6  # drivers/media/test-drivers/vivid/vivid-ctrls.c
SETTINGS = {
    "site": "lab",
    "device": "vivid",
    "source": {
        "spec": CAMERA,
        "width": SIZE[0],
        "height": SIZE[1],
        "fps": FPS,
        "exposure_s": 0.02,
        "gain": GAIN_WANTED,
    },
    "mqtt": {"host": "127.0.0.1"},
}


def main() -> int:
    """Run all checks and return 0 when all have passed."""
    results = Results()
    move_picture()
    before = doctor()
    results.tell("doctor opens the camera", passed=state_of(before, "camera") == "ok")
    results.tell("doctor finds the gain fixed", passed=state_of(before, "gain") == "ok")
    results.tell("doctor says that no exposure can be read", passed=state_of(before, "exposure") == "fault")
    with open_source(CAMERA, size=SIZE, fps=FPS, gain=GAIN_WANTED) as source:
        check_capture(source, results)
    meanwhile = doctor()
    results.tell("doctor misses a removed camera", passed=state_of(meanwhile, "camera") == "fault")
    return_device()
    after = doctor()
    same = [state_of(after, name) == state_of(before, name) for name in ("camera", "rate", "gain", "picture")]
    results.tell("doctor finds the same after as before", passed=all(same))
    results.tell("guest ran to its end", passed=True)
    return 0 if results.passed else 1


def check_capture(source: Source, results: Results) -> None:
    """Capture, set controls, remove the device and return it, then remove it again while the source is closed."""
    reader = Reader(source)
    came = reader.wait_for(50)
    results.tell("frames come", f"{reader.count}", passed=came)
    frame = reader.newest
    results.tell(
        "frames have the size asked for", f"{frame and frame.size}", passed=frame is not None and frame.size == SIZE
    )
    results.tell("pictures change", f"{len(reader.greys)} different", passed=len(reader.greys) > 1)
    results.tell(
        "gain is set and read back", f"{frame and frame.gain}", passed=frame is not None and frame.gain == GAIN_WANTED
    )
    held = [value_of(control) for control in (AUTO_GAIN, GAIN)]
    results.tell("automatic gain is off", f"{held}", passed=held == [0, GAIN_WANTED])

    remove_device()
    stopped = reader.count
    time.sleep(3)
    results.tell(
        "frames stop when the device is removed", f"{reader.count - stopped} more", passed=reader.count <= stopped + 10
    )
    states = [fault.text for fault in source.faults if fault.name == "lost"]
    results.tell("the source says that it is lost", f"{states}", passed=bool(states))
    return_device()
    returned = time.monotonic()
    resumed = reader.wait_for(reader.count + 50)
    results.tell("frames resume when it returns", f"after {time.monotonic() - returned:.1f} s", passed=resumed)
    held = [value_of(control) for control in (AUTO_GAIN, GAIN)]
    results.tell("controls are set again", f"{held}", passed=held == [0, GAIN_WANTED])
    states = [fault.name for fault in source.faults]
    results.tell("the source no longer says that it is lost", f"{states}", passed="lost" not in states)
    results.tell("the reconnection is counted", f"{source.report.reconnects}", passed=source.report.reconnects == 1)
    remove_device()
    began = time.monotonic()
    source.close()
    results.tell("the source closes without its device", passed=time.monotonic() - began < 5)


class Reader:
    """Reads a source in a thread and counts its frames."""

    def __init__(self, source: Source) -> None:
        self.count = 0
        self.newest: Frame | None = None
        self.greys: set[bytes] = set()
        threading.Thread(target=self._read, args=(iter(source),), daemon=True).start()

    def wait_for(self, count: int) -> bool:
        """Wait until so many frames were read in all."""
        deadline = time.monotonic() + PATIENCE_S
        while self.count < count and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.count >= count

    def _read(self, frames: Iterator[Frame]) -> None:
        for frame in frames:
            self.count += 1
            self.newest = frame
            self.greys.add(hashlib.sha256(frame.grey.tobytes()).digest())


class Results:
    """Prints the results of the checks, for people and for the script that waits outside."""

    def __init__(self) -> None:
        self.passed = True

    def tell(self, name: str, detail: object = "", *, passed: bool) -> None:
        """Print a result."""
        self.passed = self.passed and passed
        print(f"{'ok    ' if passed else 'FAILED'} {name} {detail}", flush=True)
        print(f"RESULT {json.dumps({name: passed})}", flush=True)


def value_of(control: Control) -> int | None:
    """Return the value of a control of the camera; None where it has none."""
    with Controls(CAMERA) as controls:
        number = controls.number_of(control)
        return None if number is None else controls.get(number)


def remove_device() -> None:
    """Take the camera away, as a cable that is pulled does."""
    (DRIVER / "unbind").write_text(DEVICE)
    wait_for_node(there=False)


def return_device() -> None:
    """Bring the camera back."""
    (DRIVER / "bind").write_text(DEVICE)
    wait_for_node(there=True)
    move_picture()


def move_picture() -> None:
    """Let the test picture move: one that stands, without noise, is a frozen one for the source."""
    with Controls(CAMERA) as controls:
        controls.set(HORIZONTAL_MOVEMENT, MOVE_RIGHT_FAST)


def wait_for_node(*, there: bool) -> None:
    """Wait until the device file is there, or gone."""
    deadline = time.monotonic() + PATIENCE_S
    while Path(CAMERA).exists() != there and time.monotonic() < deadline:
        time.sleep(0.1)


def doctor() -> dict[str, dict[str, str]]:
    """Run the doctor, print its table, and return its findings by check."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "device.yaml"
        config.write_text(json.dumps(SETTINGS), encoding="utf-8")
        program = "from edge.commands.cli import main; main()"
        command = [sys.executable, "-c", program, "doctor", "--config", str(config), "--json"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if not ran.stdout:
        sys.exit(f"the doctor says nothing: {ran.stderr}")
    findings = {finding["check"]: finding for finding in json.loads(ran.stdout)["findings"]}
    for finding in findings.values():
        print(f"  {finding['check']:<16} {finding['state']:<8} {finding['found']}", flush=True)
    return findings


def state_of(findings: dict[str, dict[str, str]], check: str) -> str | None:
    """Return the state of a check; None where there was none."""
    return findings[check]["state"] if check in findings else None


if __name__ == "__main__":
    sys.exit(main())

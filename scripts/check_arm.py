"""Checks that the box's packages exist for its processor, and that the agent runs where only tflite-runtime does.

`make check-arm`. First the `edge` extra is resolved, without installing anything, to wheels for aarch64 on each
Python of the boards; then the agent analyses a clip in a Python 3.11 with the `edge-tflite` extra (NumPy 1).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

import cv2
import numpy as np

from edge.bundle import shipped_bundle_path
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.errors import GammaboxError
from quantize.environments import AARCH64_PLATFORMS, virtual_environment

REPOSITORY = Path(__file__).parent.parent
BOARD_PYTHONS = ("3.10", "3.11", "3.13")  # JetPack 6, Raspberry Pi OS Bookworm and Trixie
TFLITE_PYTHONS = ("python3.11", "python3.10")
FRAMES = 40
WIDTH, HEIGHT = 640, 360


def main() -> int:
    """Run both parts and return 0 when both pass, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=shipped_bundle_path(), help="bundle for the clip")
    bundle = parser.parse_args().bundle.resolve()
    failures = [python for python in BOARD_PYTHONS if not resolved(python)]
    try:
        problem = agent_problem(bundle)
    except GammaboxError as error:
        problem = str(error)
    if problem is None:
        print("tflite-runtime: the agent starts and analyses a clip with NumPy 1")
    else:
        print(f"tflite-runtime: {problem}", file=sys.stderr)
        failures.append("tflite-runtime")
    print(f"FAILED: {', '.join(failures)}" if failures else "PASSED: aarch64 wheels and tflite-runtime")
    return 1 if failures else 0


def edge_requirements() -> list[str]:
    """Return the requirements of a box: those of the package and of its `edge` extra, without markers."""
    wanted = []
    for requirement in requires("gammabox") or ():
        name, _, marker = requirement.partition(";")
        if not marker or marker.strip() in {'extra == "edge"', "extra == 'edge'"}:
            wanted.append(name.strip())
    return wanted


def resolved(python: str) -> bool:
    """Resolve the box's requirements for one Python on aarch64, print the versions, and return whether all exist."""
    with tempfile.TemporaryDirectory(prefix="gammabox-arm-") as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
        command += ["--ignore-installed", "--only-binary=:all:", "--implementation", "cp", "--python-version", python]
        command += ["--target", folder, "--report", str(report)]
        for platform in AARCH64_PLATFORMS:
            command += ["--platform", platform]
        ran = subprocess.run([*command, *edge_requirements()], capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")] or ["no message"]
            print(f"Python {python}, aarch64: {errors[-1]}", file=sys.stderr)
            return False
        found = {
            package["metadata"]["name"]: package["metadata"]["version"]
            for package in json.loads(report.read_text(encoding="utf-8"))["install"]
        }
    names = ("ai-edge-litert", "numpy", "opencv-python-headless", "paho-mqtt", "pydantic")
    versions = ", ".join(f"{name} {found.get(name, 'MISSING')}" for name in names)
    print(f"Python {python}, aarch64: {len(found)} wheels, with {versions}")
    return all(name in found for name in names)


def agent_problem(bundle: Path) -> str | None:
    """Run the agent in an environment of tflite-runtime and NumPy 1 and return what went wrong, None for nothing."""
    python = tflite_environment()
    agent = python.with_name("gammabox-edge")
    version = subprocess.run([agent, "--version"], capture_output=True, text=True, check=False)
    if version.returncode != 0:
        return f"the agent does not start: {version.stderr.strip()}"
    listed = subprocess.run(
        [python, "-c", "import numpy, tflite_runtime; print(numpy.__version__)"],
        capture_output=True,
        text=True,
        check=False,
    )
    if not listed.stdout.startswith("1."):
        return f"NumPy there is {listed.stdout.strip() or listed.stderr.strip()}, not 1"
    with tempfile.TemporaryDirectory(prefix="gammabox-arm-") as folder:
        clip = Path(folder) / "clip.avi"
        write_clip(clip)
        command = [agent, "analyze", clip, "--model", bundle, "--json"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        return f"analyze ended with {ran.returncode}: {ran.stderr.strip()}"
    summary = json.loads(ran.stdout)
    if summary["frames"] != FRAMES or not summary["ms"]["classify"]["max"] > 0:
        return f"analyze saw {summary['frames']} of {FRAMES} frames and classified {summary['ms']['classify']}"
    return None


def tflite_environment() -> Path:
    """Return the Python with the agent and its `edge-tflite` extra; it is made again when pyproject.toml changes."""
    digest = hashlib.sha256((REPOSITORY / "pyproject.toml").read_bytes()).hexdigest()[:12]
    packages = ("--editable", f"{REPOSITORY}[edge-tflite]")
    return virtual_environment(f"edge-tflite-{digest}", packages, TFLITE_PYTHONS)


def write_clip(path: Path) -> None:
    """Write a grey, noisy clip in which every third frame has bright spots of two by two pixels."""
    rng = np.random.default_rng(1)
    with MotionJpegWriter(path, 25.0, (WIDTH, HEIGHT)) as writer:
        for number in range(FRAMES):
            frame = rng.normal(60, 2, (HEIGHT, WIDTH, 3))
            if number % 3 == 1:
                for x, y in rng.integers(100, 250, (5, 2)):
                    frame[y : y + 2, x : x + 2] += 100
            encoded, jpeg = cv2.imencode(".jpg", np.clip(frame, 0, 255).astype(np.uint8))
            if not encoded:
                raise GammaboxError(f"OpenCV cannot write frame {number} as JPEG; install opencv-python-headless again")
            writer.write(jpeg.tobytes())


if __name__ == "__main__":
    sys.exit(main())

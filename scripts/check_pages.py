"""Build every page that Gammabox writes, from small inputs, and look at them in headless Chromium: `make check-pages`.

Each page is below 3 MB, needs no other file, is not wider than a screen of 400 or 1400 pixels in the light and the dark
style, and axe-core finds nothing serious in it. Pictures of the pages are written beside them.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.output import is_page
from edge.pages.page import MAX_PAGE_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
PROGRAMS = {"edge": "edge.commands.cli", "trainer": "trainer.commands.cli", "quantize": "quantize.commands"}
JUDGES = ("check", "validate-sensor")
"""Commands whose exit code 1 is a verdict and no fault."""
SHOWN_PX = 1000
"""Height of the part of a page that its small picture shows."""


def run(program: str, *words: object) -> None:
    """Run a command of Gammabox and say how long it took; end where it fails."""
    started = time.monotonic()
    call = f"from {PROGRAMS[program]} import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", call, *map(str, words)], cwd=ROOT, stdout=subprocess.DEVNULL, check=False
    )
    print(f"{time.monotonic() - started:6.1f} s  gammabox-{program} {words[0]}", flush=True)
    if ended.returncode > (1 if set(JUDGES) & set(words) else 0):
        raise SystemExit(f"error: gammabox-{program} {words[0]} ended with {ended.returncode}")


def of_recording(folder: Path, pages: Path) -> None:
    """Make the pages of a recording."""
    clip = folder / "clip.avi"
    if not clip.exists():
        source = ("--dose-rate", 12000, "--start", 4, "--seconds", 12, "--seed", 4, "--size", "960x540")
        run("trainer", "film", clip, *source)
    overlay = ("--overlay", folder / "overlay.avi", "--force")
    run("edge", "analyze", clip, "--exposure", 0.033, "--report", pages / "analyze.html", *overlay)
    truth = ("--truth", clip.with_suffix(".jsonl"), "--against", "difference,motion")
    run("edge", "bench", clip, *truth, "--report", pages / "bench.html")
    months = ("--hours", 300, "--passages", 30, "--rates", "0.2,0.5,1,2,5,10", "--dose-rates", "5,10,20,50,100,200")
    run("edge", "simulate-alarms", *months, "--report", pages / "simulate-alarms.html")


def of_training(folder: Path, pages: Path) -> None:
    """Make the pages of a training: dataset, judgement, comparison, check of int8."""
    data, test, trained = folder / "data", folder / "test", folder / "run"
    for place, kind, crops in ((data, "training", 2048), (test, "test", 512)):
        if not (place / "dataset.json").exists():
            run("trainer", "build", place, "--kind", kind, "--crops", crops, "--crop-size", 64)
    run("trainer", "inspect", test, "--out", pages / "inspect.html")
    if not (trained / "run.json").exists():
        run("trainer", "fit", trained, "--data", data, "--crop-size", 33, "--epochs", 3, "--steps", 40)
    run("trainer", "evaluate", trained, "--data", test, "--chosen-on", data)
    shutil.copy(trained / "evaluation.html", pages / "evaluate.html")
    networks = ("--network", "alexnet_edge", "--network", "googlenet")
    compared = ("--data", data, "--test", test, "--samples", 192, "--crop-size", 64, *networks)
    run("trainer", "compare", folder / "compare", *compared)
    shutil.copy(folder / "compare" / "compare.html", pages / "compare.html")
    if not (folder / "bundle" / "model.json").exists():
        run("quantize", "convert", trained, "--data", data, "--out", folder / "bundle", "--representative", 200)
    report = ("--report", pages / "check.html")
    run("quantize", "check", folder / "bundle", "--reference", trained, "--data", test, *report)
    run("trainer", "study", "validate-sensor", "--out", pages / "validate-sensor.html")


def check_files(pages: Path) -> list[str]:
    """Return what is wrong with the pages as files."""
    wrong = []
    for page in sorted(pages.glob("*.html")):
        content = page.read_bytes()
        text = content.decode("utf-8")
        print(f"{len(content) / 1e6:6.2f} MB  {page.name}")
        if len(content) > MAX_PAGE_BYTES:
            wrong.append(f"{page.name}: {len(content) / 1e6:.1f} MB")
        if not is_page(content[: 1 << 16]):
            wrong.append(f"{page.name}: not marked as a page of Gammabox")
        if re.search(r"""(?:src|href)=["'](?!data:|#)|@import|url[(]""", text):
            wrong.append(f"{page.name}: needs other files")
    return wrong


def compose(folder: Path, out: Path) -> None:
    """Write for each page a small picture of its beginning, on desk and phone, light and dark; and hits, enlarged."""
    for light in sorted(folder.glob("*-desk-light.png")):
        name = light.name.removesuffix("-desk-light.png")
        rows = []
        for style in ("light", "dark"):
            tiles = [_beginning(folder / f"{name}-{width}-{style}.png") for width in ("desk", "phone")]
            rows.append(cv2.copyMakeBorder(cv2.hconcat(tiles), 0, 6, 0, 0, cv2.BORDER_CONSTANT, value=(128, 128, 128)))
        cv2.imwrite(str(out / f"page-{name}.webp"), cv2.vconcat(rows), [cv2.IMWRITE_WEBP_QUALITY, 60])
    hits = cv2.imread(str(folder / "hits-dark.png"))
    hits = cv2.resize(hits, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(out / "page-hits.webp"), hits[:520], [cv2.IMWRITE_WEBP_QUALITY, 70])


def _beginning(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path))
    height, width = picture.shape[:2]
    whole = np.zeros((SHOWN_PX, width, 3), np.uint8)
    whole[: min(height, SHOWN_PX)] = picture[:SHOWN_PX]
    small = cv2.resize(whole, None, fx=0.46, fy=0.46, interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, 0, 0, 6, cv2.BORDER_CONSTANT, value=(128, 128, 128))


def main() -> int:
    """Build, check and look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "pages")
    parser.add_argument("--only-look", action="store_true", help="look at the pages that are there")
    parser.add_argument("--pictures", type=Path, help="folder for small pictures of the pages, such as docs/images")
    given = parser.parse_args()
    pages = given.folder / "html"
    pages.mkdir(parents=True, exist_ok=True)
    if not given.only_look:
        of_recording(given.folder, pages)
        of_training(given.folder, pages)
    wrong = check_files(pages)
    for line in wrong:
        print(f"FAIL  {line}")
    looked = subprocess.run(["node", ROOT / "scripts" / "check_pages.mjs", given.folder], check=False)
    if given.pictures is not None and not looked.returncode:
        compose(given.folder / "pictures", given.pictures)
    return 1 if wrong or looked.returncode else 0


if __name__ == "__main__":
    sys.exit(main())

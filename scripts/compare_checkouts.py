"""Compare what two checkouts of this repository produce, to show that a restructuring changes nothing.

    python scripts/compare_checkouts.py OLD_CHECKOUT NEW_CHECKOUT [--clips DIR] [--work DIR] [--shared DIR]

Both checkouts run the same commands, one after another, with this interpreter: they analyse six clips, film three small
films, build and mine a small dataset, and render the files of two sites. Events and summaries are compared as JSON,
films and files byte by byte. The clips are made by the old checkout; where the footage of `../shared` is at hand, three
of them are composites of real footage and real hits. Each comparison is one line. The exit code is 0 when all are
equal, 1 when something differs, and 2 on wrong use or when the old checkout cannot be used.

The bytes of pictures depend on the processor and on the installed packages, so outputs can only be compared when both
checkouts ran on the same machine. Each checkout simulates its hits anew, with a cache folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Options used below that later checkouts call by another name; keys of manifests that are named after them follow.
RENAMED_OPTIONS = {"--least-score": "--min-score"}
RENAMED_KEYS = {old[2:].replace("-", "_"): new[2:].replace("-", "_") for old, new in RENAMED_OPTIONS.items()}

# Without its first line an editable installation would supply modules that the checkout under test lacks.
PROGRAM = 'import sys; sys.meta_path = [finder for finder in sys.meta_path if "__editable__" not in repr(finder)]; '
PROGRAM += "from {0} import {1}; sys.exit({1}())"
SUMMARY_KEYS = ["frames", "hits", "alarms", "live_fraction", "sensitivity", "live_hits", "live_s", "unclassified"]
SUMMARY_KEYS += ["not_analysed", "candidates", "damaged"]
NOT_COMPARED = {"command", "commit", "created_utc", "schema_version", "version", "versions", "hit_library_version"}
MAX_SHOWN = 12  # of the differences between the events of one clip

CLIPS = {
    "still": "--scene {clips}/still.bmp --dose-rate 1000 --size 640x480 --start 1.5 --seed 11",
    "moving": "--nuclide I-131 --dose-rate 2000 --nuisance insects --nuisance rain --size 640x480 --start 2 --seed 12",
    "strong": "--nuclide Cs-137 --dose-rate 4000 --nuisance truncated --size 1280x720 --start 1 --seed 13",
}
CLIPS_WITHOUT_FOOTAGE = {
    "damaged": "--nuclide Co-60 --dose-rate 3000 --nuisance truncated --size 800x600 --seed 14",
    "webcam": "--tube-kv 100 --dose-rate 2000 --camera webcam_xray --size 640x480 --start 1 --seed 15",
    "dim": "--nuclide Am-241 --dose-rate 2000 --gain 6 --nuisance screen --size 640x480 --seed 16",
}
COMPOSITES = {
    "room": ("indoor_person.mp4", "webcam_xray_100kV_20mm_al", "--frames 200 --seed 21"),
    "night": ("jamcam_6.mp4", "webcam_xray_100kV_40mm_al", "--frames 200 --size 640x480 --rate 1 --seed 22"),
    "busy": ("motorway.mp4", "webcam_xray_100kV_05mm_al", "--frames 150 --rate 2 --seed 23"),
}
FILMS = {
    "generated": "--nuclide Cs-137 --shield lead:5 --dose-rate 3000 --nuisance truncated --size 640x480 --seed 31",
    "picture": "--scene {clips}/still.bmp --tube-kv 80 --dose-rate 2000 --camera webcam_xray --size 640x480 --seed 32",
    "video": "--scene {clips}/moving.avi --nuclide Ir-192 --activity 4e9 --distance 2 --gain 3 --size 800x600 --seed 3",
}
DATASETS = {  # The fourth shard, from crop 1536 on, is for validation.
    "build": "--crops 1552 --nuclide Am-241 --nuclide Tc-99m --workers 2 --seed 41",
    "mine": "--crops 128 --hits-a-shot 3 --workers 1 --run {reference}/screen --least-score 0.05 --seed 42",
}


class CommandError(Exception):
    """A command failed or a checkout cannot be used; the message says which and why."""


class NewCheckoutError(Exception):
    """The new checkout failed where the old one did not."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One compared output: its name, what differs, and a remark."""

    name: str
    problems: list[str]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout, the folder in which its commands run, and the folder of the clips."""

    root: Path
    folder: Path
    clips: Path

    def run(self, command: str, *, allow_renamed: bool = False) -> str:
        """Run a command line, with {reference} and {clips} filled in, and return its standard output."""
        reference = next(
            (p for p in (self.root / "quantize/reference", self.root / "reference") if p.is_dir()), self.root
        )
        script, *words = (word.format(reference=reference, clips=self.clips) for word in command.split())
        if allow_renamed and not RENAMED_OPTIONS.keys().isdisjoint(words):
            known = set(re.findall(r"--[\w-]+", self.run(f"{script} {words[0]} --help")))
            words = [word if word in known else RENAMED_OPTIONS.get(word, word) for word in words]
        project = (self.root / "pyproject.toml").read_text(encoding="utf-8")
        section = re.search(r"^\[project\.scripts\]$(.*?)(^\[|\Z)", project, re.MULTILINE | re.DOTALL)
        entry = re.search(rf"^\"?{script}\"? *= *[\"'](.+):(\w+)[\"']", section[1] if section else "", re.MULTILINE)
        if entry is None:
            raise CommandError(f"{self.root}/pyproject.toml has no script {script}")
        own = {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
        own["XDG_CACHE_HOME"] = str(self.folder / "cache")
        return run_python(["-c", PROGRAM.format(*entry.groups()), *words], f"{script} {words[0]}", self.folder, own)


def main() -> int:
    """Run all comparisons and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, metavar="OLD_CHECKOUT")
    parser.add_argument("new", type=Path, metavar="NEW_CHECKOUT")
    parser.add_argument("--clips", type=Path, help="keep the clips here and use those that are there (WORK/clips)")
    parser.add_argument("--work", type=Path, help="keep clips and outputs here; replaces earlier outputs")
    parser.add_argument("--shared", type=Path, help="folder of footage and tools (NEW_CHECKOUT/../shared)")
    options = parser.parse_args()
    for root in (options.old, options.new):
        if not (root / "pyproject.toml").is_file():
            parser.error(f"{root} is no checkout: it has no pyproject.toml")
    shared = (options.shared or options.new.resolve().parent / "shared").resolve()
    has_footage = (shared / "tools" / "composite.py").is_file() and (shared / "data").is_dir()
    if options.shared and not has_footage:
        parser.error(f"{shared} lacks tools/composite.py or data")
    with tempfile.TemporaryDirectory(prefix="compare-checkouts-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        clips = (options.clips or work / "clips").resolve()
        old = Checkout(options.old.resolve(), work / "outputs-of-old", clips)
        new = Checkout(options.new.resolve(), work / "outputs-of-new", clips)
        for folder in (old.folder, new.folder):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (old.folder, new.folder, clips):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            return 1 if compare(old, new, make_clips(old, shared if has_footage else None)) else 0
        except CommandError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2


def run_python(words: list[str], name: str, folder: Path, environment: dict[str, str]) -> str:
    """Run this interpreter in a folder and return its standard output, or raise `CommandError`."""
    command, own = [sys.executable, *words], {**os.environ, **environment}
    ran = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        reason = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        raise CommandError(f"{name} ended with exit code {ran.returncode} in {folder.name}: {reason}")
    return ran.stdout


def make_clips(old: Checkout, shared: Path | None) -> list[str]:
    """Make the clips that are missing and return the names of all."""
    rng = random.Random(1)
    blocks = [[rng.randbytes(3) * 16 for _ in range(40)] for _ in range(30)]
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54 + 640 * 480 * 3, 0, 0, 54, 40, 640, 480, 1, 24, *[0] * 6)
    (old.clips / "still.bmp").write_bytes(header + b"".join(b"".join(row) * 16 for row in blocks))
    films = CLIPS if shared else {**CLIPS, **CLIPS_WITHOUT_FOOTAGE}
    names = [*films, *(COMPOSITES if shared else ())]
    for name in names:
        clip, unfinished = old.clips / f"{name}.avi", old.clips / "unfinished.avi"
        if clip.exists():
            continue
        print(f"making the clip {name}", file=sys.stderr)
        if name in films:
            old.run(f"gammabox-trainer film {{clips}}/{unfinished.name} --seconds 5 {films[name]}")
        elif shared:
            scene, hits, words = COMPOSITES[name]
            sources = [f"{shared}/data/scenes/{scene}", f"{shared}/data/hits/{hits}"]
            command = [f"{shared}/tools/composite.py", *sources, unfinished.name, *words.split()]
            run_python(command, f"composite.py for the clip {name}", old.clips, {})
        unfinished.with_suffix(".jsonl").rename(clip.with_suffix(".jsonl"))
        unfinished.rename(clip)
    return names


def compare(old: Checkout, new: Checkout, clips: list[str]) -> int:
    """Print every comparison and the totals, and return how many outputs differ."""
    steps: list[Callable[[], Iterable[Comparison]]] = []
    steps += [partial(compare_analyses, old, new, clip) for clip in clips]
    steps += [partial(compare_films, old, new, name) for name in FILMS]
    steps += [*(partial(compare_datasets, old, new, command) for command in DATASETS), partial(compare_sites, old, new)]
    compared = different = 0
    for step in steps:
        try:
            comparisons = list(step())
        except NewCheckoutError as error:
            comparisons = [Comparison(*error.args)]
        except (OSError, ValueError) as error:
            comparisons = [Comparison("an output that cannot be read", [str(error)])]
        for comparison in comparisons:
            compared += 1
            different += bool(comparison.problems)
            verdict = f"DIFFERENT: {'; '.join(comparison.problems)}" if comparison.problems else "equal"
            print(f"{comparison.name}: {verdict}{comparison.remark and f' ({comparison.remark})'}", flush=True)
    print(f"{compared} compared, {different} different")
    return different


def run_both(old: Checkout, new: Checkout, command: str) -> tuple[str, str]:
    """Run the same command in both checkouts and return what each prints."""
    printed = old.run(command)
    try:
        return printed, new.run(command, allow_renamed=True)
    except CommandError as error:
        raise NewCheckoutError(command.partition(" --")[0].replace("{clips}/", ""), [str(error)]) from error


def compare_analyses(old: Checkout, new: Checkout, clip: str) -> Iterator[Comparison]:
    """Compare the events and the summaries of one clip."""
    printed = run_both(old, new, f"gammabox-edge analyze {{clips}}/{clip}.avi --events {clip}.events --json")
    lines = [(side.folder / f"{clip}.events").read_text(encoding="utf-8").splitlines() for side in (old, new)]
    problems = [] if len(lines[0]) == len(lines[1]) else [f"{len(lines[0])} -> {len(lines[1])} events"]
    additional: set[str] = set()
    for number, pair in enumerate(zip(*lines, strict=False), start=1):
        before, after = (flat(json.loads(line)) for line in pair)
        problems += [f"event {number}: {change}" for change in changes(before, after)]
        additional |= {re.sub(r"\[\d+\]", "[]", key) for key in after.keys() - before.keys()}
    if len(problems) > MAX_SHOWN:
        problems[MAX_SHOWN:] = [f"and {len(problems) - MAX_SHOWN} more"]
    remark = f"; additional keys: {', '.join(sorted(additional))}" if additional else ""
    yield Comparison(f"analyze {clip}, events", problems, f"{len(lines[0])} events{remark}")
    before, after = (flat(json.loads(text)) for text in printed)
    chosen = {key: before.get(key, "missing") for key in SUMMARY_KEYS}
    remark = ", ".join(f"{chosen[key]} {key}" for key in ("frames", "hits", "alarms", "candidates", "damaged"))
    yield Comparison(f"analyze {clip}, summary", changes(chosen, after), remark)


def compare_films(old: Checkout, new: Checkout, name: str) -> Iterator[Comparison]:
    """Compare the bytes of a film and of its truth."""
    for side in (old, new):
        (side.folder / name).mkdir()
    run_both(old, new, f"gammabox-trainer film {name}/film.avi --seconds 2 {FILMS[name]}")
    yield compare_bytes(f"film {name}", old.folder / name, new.folder / name)


def compare_datasets(old: Checkout, new: Checkout, command: str) -> Iterator[Comparison]:
    """Compare the shards and the manifest of a dataset that `build` or `mine` makes."""
    words = f"--crop-size 48 --footage {{clips}}/moving.avi --footage-share 0.3 {DATASETS[command]}"
    run_both(old, new, f"gammabox-trainer {command} {command} {words}")
    yield compare_bytes(f"{command}, shards", old.folder / command / "shards", new.folder / command / "shards")
    before, after = (flat(json.loads((side.folder / command / "dataset.json").read_bytes())) for side in (old, new))
    renamed = {key: ".".join(RENAMED_KEYS.get(part, part) for part in key.split(".")) for key in before}
    before = {key if key in after else renamed[key]: text for key, text in before.items()}
    problems = changes(before, after) + [f"{key} missing -> {after[key]}" for key in sorted(after.keys() - before)]
    ignored = [problem for problem in problems if not NOT_COMPARED.isdisjoint(problem.split(" ")[0].split("."))]
    renames = [f"{key} is now {name}" for key, name in renamed.items() if key not in after and name in after]
    remark = "; ".join([f"{len(before)} values", *renames, *(f"not compared: {problem}" for problem in ignored)])
    yield Comparison(f"{command}, manifest", [problem for problem in problems if problem not in ignored], remark)


def compare_sites(old: Checkout, new: Checkout) -> Iterator[Comparison]:
    """Compare the rendered files of the site that `init` proposes, with both of its boxes, with TLS and without."""
    old.run("gammabox-firmware init start.yaml")
    secured = re.sub(r"(?m)^  # (-|  )", r"  \1", (old.folder / "start.yaml").read_text(encoding="utf-8"))
    plain = secured.replace("tls: true", "tls: false").replace("port: 8883", "port: 1883")
    for name, text in (("secured", secured), ("plain", plain)):
        (old.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        run_both(old, new, f"gammabox-firmware render ../{old.folder.name}/{name}.yaml --out {name}")
        yield compare_bytes(f"render {name}", old.folder / name, new.folder / name)


def flat(value: object, place: str = "") -> dict[str, str]:
    """Return the values of a JSON document as text by their place; a list also tells its length."""
    if isinstance(value, dict):
        parts = [(f"{place}.{key}" if place else key, part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{place}.length", len(value)), *((f"{place}[{i}]", part) for i, part in enumerate(value))]
    else:
        return {place: json.dumps(value)}
    return {key: text for inner, part in parts for key, text in flat(part, inner).items()}


def changes(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Return what differs in the new document from the old one, without what only the new one has."""
    return [f"{key} {text} -> {new.get(key, 'missing')}" for key, text in old.items() if new.get(key) != text]


def compare_bytes(name: str, old: Path, new: Path) -> Comparison:
    """Compare all files of two folders byte by byte."""
    before, after = (
        {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()} for top in (old, new)
    )
    problems = [] if before else ["no file was written"]
    additional = [name for name in after if name not in before]  # such as the record beside a film
    for file in sorted(before):
        if file not in after:
            problems.append(f"{file} is missing in the new output")
        elif before[file] != after[file]:
            pairs = enumerate(zip(before[file], after[file], strict=False))
            first = next((i for i, pair in pairs if pair[0] != pair[1]), "the end")
            problems.append(f"{file} from byte {first} on, {len(before[file])} -> {len(after[file])} bytes")
    return Comparison(name, problems, f"{len(before)} files, additional: {additional or 0}")


if __name__ == "__main__":
    sys.exit(main())

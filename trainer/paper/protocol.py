"""The paper's protocol step by step: each step leaves files, and what is there already is not made again."""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.files import load_json, read_text, why
from trainer.data.dataset import read_index
from trainer.errors import DatasetError, ProtocolError
from trainer.paper.conditions import Conditions
from trainer.paper.conversion import DYNAMIC_INT8, FLOAT, INT8, can_convert, convert, write_fused
from trainer.paper.findings import keep, kept, leakage_of
from trainer.paper.fused import Pools
from trainer.paper.judging import ceiling, judge_bundle, judge_run
from trainer.paper.places import places_of
from trainer.paper.sets import SetRecipe, make_set
from trainer.paper.sizes import OURS
from trainer.paper.stages import LINE_EVERY_S, Reporter, is_trained, train_stage
from trainer.scenes.splits import SPLITS
from trainer.training.run import Run, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from trainer.data.dataset import Dataset
    from trainer.paper.places import Place
    from trainer.paper.sets import SetName
    from trainer.paper.sizes import Size, Stage
    from trainer.scenes.splits import Split

PLAN_FILE = "paper.json"
RESULTS_FILE = "results.json"
DATA, TESTS, BUNDLES, RESULTS = "data", "tests", "bundles", "results"
FUSED, SAME_PLACES, OTHER_PLACES = "fused", "same-places", "other-places"
PAPER_NETWORK = "alexnet_paper"
OTHER_SEED = 500_000
"""First seed of the generated scenes of the test at other places."""
_CALIBRATION = 512
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for.

    Attributes
    ----------
    out : Path
        Folder of everything that the protocol leaves.
    size : Size
    conditions : Conditions
    scenes, other_scenes : tuple of Path
        Recordings of the places of training, and of the test at other places; generated ones where none are named.
    seed : int
    command : str
        The command line, which is recorded.

    """

    out: Path
    size: Size
    conditions: Conditions = field(default_factory=Conditions)
    scenes: tuple[Path, ...] = ()
    other_scenes: tuple[Path, ...] = ()
    seed: int = 1
    command: str = ""

    def as_json(self, places: Mapping[str, tuple[Place, ...]]) -> dict[str, Any]:
        """Return all that decides the results, with the names of the places."""
        plan: dict[str, Any] = json.loads(
            json.dumps(
                {
                    "paper": 1,
                    "seed": self.seed,
                    "size": self.size.as_json(),
                    "conditions": self.conditions.as_json(),
                    "places": {name: [place.name for place in group] for name, group in places.items()},
                }
            )
        )
        return plan


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run_protocol(
    plan: Plan,
    *,
    on_results: Callable[[Path, dict[str, Any]], object],
    say: Callable[[str], object] = _say,
    workers: int | None = None,
    devices: int = 1,
) -> dict[str, Any]:
    """Do what is missing of the protocol and return the results.

    Parameters
    ----------
    plan : Plan
    on_results : function of (folder, results)
        Called after the sets are made and after each network, to write the page.
    say : function of a line
        Called with the progress.
    workers : int or None
        Processes that make crops; None takes every core.
    devices : int
        Devices that share each batch in training.

    Raises
    ------
    ProtocolError
        The folder holds something else or another plan, or the disk is too small.
    DatasetError
        The recordings show nobody.

    """
    places = _places(plan, say)
    _begin(plan, places)
    pools, tests = _sets(plan, places, say, workers)
    results = _results_before(plan, places, pools, tests, say)
    _write(plan, results, on_results)
    for number, stage in enumerate(plan.size.stages, start=1):
        if not is_trained(plan.out, stage):
            say(f"training {number} of {len(plan.size.stages)}: {stage.network} at {stage.crop_size} px")
        run = train_stage(
            plan.out,
            stage,
            pools[stage.crop_size],
            plan.size,
            seed=plan.seed,
            devices=devices,
            command=plan.command,
            progress=Reporter(stage, plan.size.batch_size, say),
        )
        results["logs"][stage.name] = run.log()
        results["waiting"].remove(stage.name)
        if stage in plan.size.judged:
            results["networks"].update(_judged(plan, stage, run, tests, pools, say))
        _write(plan, results, on_results)
    return results


def _results_before(
    plan: Plan,
    places: Mapping[str, tuple[Place, ...]],
    pools: Mapping[int, Pools],
    tests: Mapping[str, Dataset],
    say: Callable[[str], object],
) -> dict[str, Any]:
    """Return the results before the first training: sets, tests, what can be seen in them, and leakage."""
    return {
        **plan.as_json(places),
        "command": plan.command,
        "sets": {f"{name}-{side}": _counts(getattr(pools[side], key)) for side in pools for name, key in _POOL_NAMES},
        "tests": {name: {**_counts(test), **ceiling(test)} for name, test in tests.items()},
        "leakage": leakage_of(plan.out / RESULTS, tests, say),
        "networks": {},
        "logs": {},
        "waiting": [stage.name for stage in plan.size.stages],
    }


_POOL_NAMES = (("A", "noise"), ("B", "scenes"), ("C", "radiation"))


def _places(plan: Plan, say: Callable[[str], object]) -> dict[str, tuple[Place, ...]]:
    size = plan.size
    beside = max(size.places // 4, 1) if plan.scenes else size.places
    own = places_of(plan.scenes, beside, "train", say)
    others = places_of(
        plan.other_scenes, 0 if plan.other_scenes else size.other_places, "test", say, first_seed=OTHER_SEED
    )
    shared = {place.name for place in own} & {place.name for place in others}
    if shared:
        raise DatasetError(
            plan.out, f"{min(shared)} is a place of training and an other place, too", "name it with one option only"
        )
    return {SAME_PLACES: own, OTHER_PLACES: others}


def _begin(plan: Plan, places: Mapping[str, tuple[Place, ...]]) -> None:
    """Write the plan into a new folder, or check that the folder was begun with the same one."""
    wanted, place = plan.as_json(places), plan.out / PLAN_FILE
    if place.exists():
        try:
            found = load_json(read_text(place))
        except (OSError, ValueError) as error:
            raise ProtocolError(
                plan.out, f"{PLAN_FILE} cannot be read ({why(error)})", "name another folder"
            ) from error
        keys = {*wanted, *found} if isinstance(found, dict) else set(wanted)
        differing = sorted(key for key in keys if not isinstance(found, dict) or found.get(key) != wanted.get(key))
        if differing:
            problem = f"it was begun with other options ({', '.join(differing)} differ)"
            raise ProtocolError(plan.out, problem, "name a new folder, or give the same options to go on")
        return
    if plan.out.is_dir() and any(plan.out.iterdir()):
        raise ProtocolError(plan.out, f"it is not empty and holds no {PLAN_FILE}", "name a new folder")
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(plan.out).free
        needed = plan.size.disk_bytes + _SPARE_BYTES
        if free < needed:
            problem = f"{free / 1e9:.1f} GB are free and the size {plan.size.name} needs {needed / 1e9:.1f} GB"
            raise ProtocolError(plan.out, problem, "make room, or name a folder on another disk")
        write_whole(place, json.dumps(wanted, indent=1) + "\n")
    except OSError as error:
        raise ProtocolError(plan.out, f"it cannot be written ({why(error)})", "name another folder") from error


def _sets(
    plan: Plan, places: Mapping[str, tuple[Place, ...]], say: Callable[[str], object], workers: int | None
) -> tuple[dict[int, Pools], dict[str, Dataset]]:
    """Make sets A, B, C of each crop size, and the three tests."""

    def made(name: SetName, folder: str, crops: int, side: int, group: tuple[Place, ...] = ()) -> Dataset:
        recipe = SetRecipe(name, plan.conditions, crops, side, plan.seed, group)
        if not _is_made(plan.out / folder):
            say(f"{folder}: {crops:,} crops of {side} px")
        progress = _each_minute(say, folder)
        return make_set(plan.out / folder, recipe, command=plan.command, workers=workers, progress=progress)

    size = plan.size
    pools = {}
    for side in sorted({stage.crop_size for stage in size.stages} | {size.crop_size}):
        noise = made("A", f"{DATA}/A-{side}", size.covered[side], side)
        radiation = made("C", f"{DATA}/C-{side}", size.covered[side], side)
        scenes = made("B", f"{DATA}/B-{side}", size.scenes[side], side, places[SAME_PLACES])
        pools[side] = Pools(noise, scenes, radiation)
    own = pools[size.crop_size]
    tests = {
        FUSED: write_fused(plan.out / TESTS / FUSED, own, {"test": size.tests}, plan.seed),
        SAME_PLACES: made("same-places", f"{TESTS}/{SAME_PLACES}", size.tests, size.crop_size, places[SAME_PLACES]),
        OTHER_PLACES: made("other-places", f"{TESTS}/{OTHER_PLACES}", size.tests, size.crop_size, places[OTHER_PLACES]),
    }
    return pools, tests


def _each_minute(say: Callable[[str], object], what: str) -> Callable[[int, int], None]:
    """Return a function of crops done and crops in all that says so once a minute."""
    said_s = time.monotonic()

    def progress(done: int, whole: int) -> None:
        nonlocal said_s
        if time.monotonic() - said_s >= LINE_EVERY_S:
            said_s = time.monotonic()
            say(f"{what}: {done:,} of {whole:,} crops")

    return progress


def _is_made(folder: Path) -> bool:
    try:
        return read_index(folder).complete
    except DatasetError:
        return False


def _counts(dataset: Dataset) -> dict[str, Any]:
    samples, positives = dataset.count()
    by_split = {split: dataset.count(split)[0] for split in SPLITS}
    return {"crops": samples, "radiated": positives, **{k: v for k, v in by_split.items() if v}}


def _judged(  # noqa: PLR0917
    plan: Plan,
    stage: Stage,
    run: Run,
    tests: Mapping[str, Dataset],
    pools: Mapping[int, Pools],
    say: Callable[[str], object],
) -> dict[str, Any]:
    """Return the figures of a network, by name; ours in int8, too, and the paper's as bundles for `bench`."""
    rows = {}
    judged_on = {"weights": run.weights_sha256(), "tests": [test.sha256 for test in tests.values()]}
    place = plan.out / RESULTS / f"{stage.network}.json"
    known = kept(place, judged_on)
    if known is None:
        say(f"{stage.network}: tests")
        known = judge_run(run, tests)
        keep(place, judged_on, known)
    rows[stage.network] = known
    if stage.network not in {OURS, PAPER_NETWORK}:
        return rows
    if not can_convert():
        say("gammabox-quantize is not installed: no int8 and no bundles for bench")
        return rows
    counts: dict[Split, int] = {"train": _CALIBRATION, "validation": _CALIBRATION}
    shown = write_fused(plan.out / TESTS / "calibration", pools[plan.size.crop_size], counts, plan.seed)
    folder = plan.out / BUNDLES
    if stage.network == PAPER_NETWORK:
        say("alexnet_paper: bundles for gammabox-edge bench")
        convert(run, shown.path, folder / "paper-float", FLOAT)
        convert(run, shown.path, folder / "paper-int8", DYNAMIC_INT8)
        return rows
    place = plan.out / RESULTS / f"{OURS}-int8.json"
    known = kept(place, judged_on)
    if known is None:
        say(f"{OURS}: int8")
        known = judge_bundle(convert(run, shown.path, folder / OURS, INT8), tests)
        known["parameters"] = rows[OURS]["parameters"]
        known["samples"] = rows[OURS]["samples"]
        keep(place, judged_on, known)
    rows[f"{OURS}-int8"] = known
    return rows


def _write(plan: Plan, results: dict[str, Any], on_results: Callable[[Path, dict[str, Any]], object]) -> None:
    write_whole(plan.out / RESULTS_FILE, json.dumps(results, indent=1) + "\n")
    on_results(plan.out, results)

"""Feed mutated recordings, pictures, streams, MQTT packets and YAML files to the code that reads them.

Every case is made from its number alone, so that a finding can be made again: `python scripts/fuzz.py --kind text
--first 1234 --cases 1`. A finding is an exception that is none of the house's, a signal, more than 5 s of processor
time or more than 1 GB of memory. Its input is kept in the folder of findings.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "tools"))

from fuzz_cases import KINDS, case_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CASES = 20_000
MAX_CPU_S = 5.0
MAX_WALL_S = 60.0  # of a busy machine
MAX_MEMORY_MB = 1024
ADDRESS_SPACE_BYTES = 8 << 30


def main() -> None:
    """Run the cases and exit with 1 where there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="cases in all, the same number of each kind")
    parser.add_argument("--kind", choices=sorted(KINDS), action="append", help="only this kind; repeatable")
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each kind")
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="folder of inputs with findings")
    asked = parser.parse_args()
    kinds = asked.kind or sorted(KINDS)
    found = 0
    for kind in kinds:
        began_s = time.monotonic()
        findings, slowest_s, memory_mb = run_kind(
            kind, range(asked.first, asked.first + -(-asked.cases // len(kinds))), asked.findings
        )
        found += findings
        print(
            f"{kind:<10}{-(-asked.cases // len(kinds)):>7,} cases in {time.monotonic() - began_s:6.0f} s, "
            f"{findings} findings, slowest {slowest_s:.2f} s of processor time, memory {memory_mb:.0f} MB",
            flush=True,
        )
    sys.exit(1 if found else 0)


def run_kind(kind: str, numbers: range, folder: Path) -> tuple[int, float, float]:
    """Run cases in a process that is replaced when one kills it. Return findings, greatest time and memory."""
    findings, slowest_s, memory_mb = 0, 0.0, 0.0
    worker: tuple[multiprocessing.process.BaseProcess, Connection] | None = None
    for number in numbers:
        worker = worker or _started(kind)
        process, pipe = worker
        pipe.send(number)
        problem: str | None
        try:
            if pipe.poll(MAX_WALL_S):
                problem, spent_s, used_mb = pipe.recv()
                slowest_s, memory_mb = max(slowest_s, spent_s), max(memory_mb, used_mb)
            else:
                problem = f"no end within {MAX_WALL_S:g} s"
        except EOFError:
            process.join()
            problem = f"the process ended with code {process.exitcode}"
        if problem is not None:
            findings += 1
            _keep(folder, kind, number, problem)
            process.kill()
            process.join()
            worker = None
    if worker is not None:
        worker[1].send(None)
        worker[0].join()
    return findings, slowest_s, memory_mb


def _started(kind: str) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(kind, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _work(kind: str, pipe: Connection) -> None:
    """Run cases until None comes. Send for each the problem or None, its processor time and the memory so far."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix="gammabox-fuzz-") as folder:
        target = KINDS[kind].target(Path(folder))
        while (number := pipe.recv()) is not None:
            began_s = time.process_time()
            problem = None
            try:
                target(case_of(kind, number))
            except Exception:  # noqa: BLE001 - every exception is a finding
                problem = traceback.format_exc()
            spent_s = time.process_time() - began_s
            used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if problem is None and spent_s > MAX_CPU_S:
                problem = f"{spent_s:.1f} s of processor time"
            if problem is None and used_mb > MAX_MEMORY_MB:
                problem = f"{used_mb:.0f} MB of memory"
            pipe.send((problem, spent_s, used_mb))


def _keep(folder: Path, kind: str, number: int, problem: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{kind}-{number}.bin").write_bytes(case_of(kind, number))
    (folder / f"{kind}-{number}.txt").write_text(problem, encoding="utf-8")
    print(f"FOUND {kind} {number}: {problem.strip().splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    main()

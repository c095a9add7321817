"""What check_delivery.py has found, as a table for the docs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- check-delivery -->", "<!-- end -->"
MAX_RATIO = 2.0


@dataclass(frozen=True)
class Findings:
    """The outcome of a run. Lost are messages that counted and did not arrive."""

    kills: dict[str, int]
    seconds: float
    boxes: int
    mounts: bool
    alarms: int
    hits: int
    lost_alarms: list[str]
    lost_hits: list[str]
    twice: int
    strange: int
    disordered: int
    sent: int
    put: int
    again: int

    @property
    def ratio(self) -> float:
        """Messages sent for each that was needed."""
        return self.sent / max(self.put, 1)

    @property
    def passed(self) -> bool:
        """Whether what is promised was kept."""
        wrong = len(self.lost_alarms) + len(self.lost_hits) + self.twice + self.strange + self.disordered
        return not wrong and self.ratio <= MAX_RATIO


def named(kills: dict[str, int]) -> str:
    """Return numbers with the names of their kinds."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kills.items()))


def table(found: Findings) -> str:
    """Return the findings as a table in Markdown."""
    ends = {kind: count for kind, count in found.kills.items() if kind in {"agent", "archive", "broker"}}
    others = {kind: count for kind, count in found.kills.items() if kind not in ends}
    disks = "" if found.mounts else " (no right to mount: full and read-only disks left out)"
    rows = [
        ("kills", f"{sum(found.kills.values())}: {named(ends)}"),
        ("of network and disks", f"{named(others)}{disks}"),
        ("boxes, time", f"{found.boxes}, {found.seconds / 60:.1f} min"),
        ("alarms that counted, of them lost", f"{found.alarms}, {len(found.lost_alarms)}"),
        ("hits that counted, of them not seen by the witness", f"{found.hits}, {len(found.lost_hits)}"),
        ("alarms twice or unknown in the archive", f"{found.twice + found.strange}"),
        ("out of the order of their box, and not marked historical", f"{found.disordered}"),
        ("sent for each that was needed", f"{found.ratio:.2f}"),
        ("arrived again at a witness, with the same event id", f"{found.again}"),
        ("verdict", "passed" if found.passed else "FAILED"),
    ]
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {name} | {figure} |" for name, figure in rows)])


def publish(page: Path, found: Findings) -> None:
    """Replace the table of a page."""
    text = page.read_text(encoding="utf-8")
    part = f"{BEGIN}\n{table(found)}\n{END}"
    page.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: part, text, flags=re.DOTALL), encoding="utf-8")

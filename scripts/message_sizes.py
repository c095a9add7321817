"""Print what boxes send a day as a table for docs/beyond-a-site.md, from the examples in docs/messages.md."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "messages.md"
TOPIC_BYTES = len("gammabox/site-123/device-1234/health")
PACKET_BYTES = 12
DAY_S = 86400
RATES = {"health": 8640.0, "hits": 0.2 * DAY_S, "alarm": 22.0}
"""Messages of a box a day: one in 10 s, the background's hits, and one alarm with its updates."""
BOXES = 100_000


@dataclass(frozen=True)
class Row:
    """What one kind of message makes up."""

    name: str
    size_bytes: int
    a_day: float

    def line(self) -> str:
        """Return the row of the table."""
        a_second = BOXES * self.a_day / DAY_S
        gigabytes = BOXES * self.a_day * self.size_bytes / 1e9
        return (
            f"| {self.name} | {self.size_bytes:,} | {self.a_day:,.0f} | {self.a_day * self.size_bytes / 1e6:.1f} MB | "
            f"{a_second:,.0f} | {gigabytes:,.0f} GB |"
        )


def sizes(text: str) -> dict[str, int]:
    """Return the bytes of the examples by a key that tells their kind."""
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    found = {}
    for block in blocks:
        kind = "alarm" if "alarm" in block else "health" if "faults" in block else "hits"
        found[kind] = len(json.dumps(block, separators=(",", ":")).encode()) + TOPIC_BYTES + PACKET_BYTES
    return found


def main() -> None:
    """Print the table."""
    found = sizes(PAGE.read_text(encoding="utf-8"))
    rows = [Row(kind, found[kind], a_day) for kind, a_day in RATES.items()]
    rows.append(Row("health, once a minute (bridge)", found["health"], 1440.0))
    print("| message | bytes | a box and day | a box and day | 100,000 boxes, a second | 100,000 boxes, a day |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(row.line())


if __name__ == "__main__":
    main()

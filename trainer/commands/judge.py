"""The command `gammabox-trainer judge`: a detector on clips of several places, the worst place first."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.commands.options import JsonOption, ModelOption, bundle_or_shipped

if TYPE_CHECKING:
    from trainer.judging.places import PlaceScore


def register(app: typer.Typer) -> None:
    """Add the command to gammabox-trainer."""
    app.command("judge")(judge_command)


def judge_command(
    clips: Annotated[
        list[str],
        typer.Argument(
            metavar="[PLACE=]CLIP...",
            help="Clips, each with its truth CLIP.jsonl beside it; without one it shows no source. Several of one "
            "place count together.",
        ),
    ],
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a bundle on clips of several places: recall of visible hits and false hits a frame, the worst first."""
    from trainer.judging.places import PlaceScore, judge_clips

    places: dict[str, list[Path]] = {}
    for named in clips:
        place, clip = place_of(named)
        places.setdefault(place, []).append(clip)
    scores = judge_clips(
        places,
        bundle_or_shipped(model),
        on_clip=lambda clip: print(clip, file=sys.stderr),
        warn=lambda doubt: print(f"warning: {doubt}", file=sys.stderr),
    )
    pooled = PlaceScore("pooled")
    for score in scores:
        pooled = pooled.plus(score)
    if as_json:
        print(json.dumps({"places": [_described(score) for score in scores], "pooled": _described(pooled)}))
        return
    print(table([*scores, pooled]))


def place_of(named: str) -> tuple[str, Path]:
    """Return place and clip of `[PLACE=]CLIP`; without a place it is the name of the clip.

    >>> place_of("yard=clips/monday.avi")
    ('yard', PosixPath('clips/monday.avi'))

    """
    place, equals, clip = named.partition("=")
    if equals and "/" not in place:
        return place, Path(clip)
    return Path(named).stem, Path(named)


def table(scores: list[PlaceScore]) -> str:
    """Return scores as a Markdown table."""
    lines = [
        "| place | frames | visible hits | proposed | recall [95 %] | false hits a frame [95 %] | second hits |",
        "|---|---|---|---|---|---|---|",
    ]
    for score in scores:
        low, high = score.false_interval
        false = f"{score.false_per_frame:.4f} [{low:.4f}, {high:.4f}]"
        recall = bound = "–"
        if score.recall is not None and score.bound is not None:
            low, high = score.recall_interval
            recall, bound = f"{score.recall:.3f} [{low:.3f}, {high:.3f}]", f"{score.bound:.3f}"
        cells = (score.name, score.frames, score.visible or "–", bound, recall, false, score.second_hits)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _described(score: PlaceScore) -> dict[str, Any]:
    return {
        **asdict(score),
        "recall": score.recall,
        "recall_interval": score.recall_interval if score.visible else None,
        "bound": score.bound,
        "false_per_frame": score.false_per_frame,
        "false_interval": score.false_interval,
    }

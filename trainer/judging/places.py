"""Judging by place: recall and false hits of a detector, clip by clip, place by place and pooled, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.detect.detector import Detector
from edge.errors import SourceError
from edge.statistics import poisson_interval, wilson_interval
from edge.truth import RADIUS_PX, VISIBLE_DN, TrueHit, distance_px, doubts, matched, read_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from edge.detect.hit import Hit
    from edge.detect.manifest import Bundle


@dataclass(frozen=True, slots=True)
class PlaceScore:
    """What a detector finds in the clips of one place, or of several places pooled.

    Attributes
    ----------
    name : str
    frames : int
        Analysed frames.
    visible, proposed, found : int
        True hits that add at least 25 grey levels; those that the fast path proposes; those that are found.
    false_hits : int
        Hits that lie near no true hit.
    second_hits : int
        Further hits near a true hit that was found already.

    """

    name: str
    frames: int = 0
    visible: int = 0
    proposed: int = 0
    found: int = 0
    false_hits: int = 0
    second_hits: int = 0

    @property
    def recall(self) -> float | None:
        """Share of the visible hits that are found; None without any."""
        return self.found / self.visible if self.visible else None

    @property
    def bound(self) -> float | None:
        """Share of the visible hits that the fast path proposes: no decision finds more; None without any."""
        return self.proposed / self.visible if self.visible else None

    @property
    def recall_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the recall."""
        return wilson_interval(self.found, self.visible)

    @property
    def false_per_frame(self) -> float:
        """False hits a frame, second hits left out."""
        return self.false_hits / self.frames if self.frames else 0.0

    @property
    def false_interval(self) -> tuple[float, float]:
        """95 % interval of the false hits a frame, of a Poisson process."""
        low, high = poisson_interval(self.false_hits)
        return low / max(self.frames, 1), high / max(self.frames, 1)

    def plus(self, other: PlaceScore) -> PlaceScore:
        """Return both together, by this name."""
        return PlaceScore(
            self.name,
            self.frames + other.frames,
            self.visible + other.visible,
            self.proposed + other.proposed,
            self.found + other.found,
            self.false_hits + other.false_hits,
            self.second_hits + other.second_hits,
        )


def judge_clips(
    clips: Mapping[str, Sequence[Path]],
    bundle: Bundle,
    on_clip: Callable[[Path], None] | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> list[PlaceScore]:
    """Judge a detector on the clips of several places.

    Parameters
    ----------
    clips : mapping of str to sequence of Path
        The clips of each place. Beside CLIP.avi the truth CLIP.jsonl is read; a clip without one shows no source, so
        that every hit is false.
    bundle : Bundle
    on_clip : callable, optional
        Called with each clip before it is judged.
    warn : callable
        Called with what makes the score of a clip doubtful, a sentence each.

    Returns
    -------
    list of PlaceScore
        One for each place, the worst first: by recall, and without visible hits by false hits a frame.

    Raises
    ------
    SourceError, TruthError
        A clip or a truth file cannot be read.

    """
    scores = []
    for place, paths in clips.items():
        total = PlaceScore(place)
        for path in paths:
            if on_clip is not None:
                on_clip(path)
            total = total.plus(judge_clip(path, bundle, warn))
        scores.append(total)
    return sorted(scores, key=lambda score: (1.0 if score.recall is None else score.recall, -score.false_per_frame))


def judge_clip(path: Path, bundle: Bundle, warn: Callable[[str], None] = lambda _: None) -> PlaceScore:
    """Judge a new detector on one clip; see `judge_clips`."""
    beside = path.with_suffix(".jsonl")
    true_hits = read_truth(beside) if beside.exists() else []
    truth: dict[int, list[TrueHit]] = {}
    for hit in true_hits:
        truth.setdefault(hit.frame, []).append(hit)
    total = PlaceScore(path.stem)
    detector = Detector(bundle)
    sizes: set[tuple[int, ...]] = set()
    with open_source(path) as source:
        for triple in triples(source):
            sizes.add(triple.current.grey.shape)
            proposal = detector.propose(triple)
            proposed = [(candidate.x, candidate.y) for candidate in proposal.found.candidates]
            hits = detector.decide(detector.judge(proposal)).hits
            total = total.plus(score_frame(truth.get(triple.current.sequence, []), hits, proposed))
    if not total.frames:
        raise SourceError(str(path), "it has fewer than three frames in a row", "name a longer clip")
    report = source.report
    for doubt in (*report.warnings, *doubts(true_hits, report.delivered + report.damaged + report.dropped, sizes)):
        warn(f"{path}: {doubt}")
    return total


def score_frame(true_hits: Sequence[TrueHit], hits: Sequence[Hit], proposed: Iterable[tuple[int, int]]) -> PlaceScore:
    """Return the score of one frame.

    Parameters
    ----------
    true_hits : sequence of TrueHit
    hits : sequence of Hit
    proposed : iterable of (x, y)
        Places that the fast path proposes.

    Examples
    --------
    >>> from edge.detect.hit import Hit
    >>> truth = [TrueHit(0, 10, 10, (9, 9, 11, 11), 60.0), TrueHit(0, 50, 50, (50, 50, 50, 50), 12.0)]
    >>> found = Hit(10, 11, 0.99, 58.0, 4, live=True)
    >>> score = score_frame(truth, [found], [(10, 11)])
    >>> score.visible, score.found, score.proposed, score.false_hits
    (1, 1, 1, 0)

    """
    boxes = [(hit.x, hit.y, hit.x, hit.y) for hit in hits]
    match = matched(true_hits, boxes)
    used = set(match.values())
    near = {j for j, box in enumerate(boxes) if any(distance_px(box, hit.box) <= RADIUS_PX for hit in true_hits)}
    visible = [i for i, hit in enumerate(true_hits) if hit.added_dn >= VISIBLE_DN]
    spots = [(x, y, x, y) for x, y in proposed]
    return PlaceScore(
        "",
        frames=1,
        visible=len(visible),
        proposed=sum(any(distance_px(spot, true_hits[i].box) <= RADIUS_PX for spot in spots) for i in visible),
        found=sum(i in match for i in visible),
        false_hits=len(hits) - len(near),
        second_hits=len(near - used),
    )

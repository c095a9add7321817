"""The page of an analysed recording: rate and alarms over time, places, pictures and spectra of the hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edge.detect.hit import STAGE_WORDS
from edge.pages.html import Html, element
from edge.pages.page import Page, Section
from edge.pages.parts import Shot, charts, facts, folded, gallery, heading, hint, note, prose, table, verdict
from edge.pages.pictures import ENLARGED, NARROW_PX, as_jpeg, as_png, blurred, strip
from edge.review.plots import alarm_spans, live_chart, rate_chart, spectra, stage_chart
from edge.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.analysis import Summary
    from edge.capture.base import Mode
    from edge.pages.parts import Mood
    from edge.review.gathering import Gathering, HitShot

Scene = Literal["blurred", "sharp", "none"]
MAX_SHOWN, SHOWN_AT_ONCE = 48, 12
MAX_RINGS = 2000
FIELDS = ("frame", "time_s", "x", "y", "score", "added_dn", "pixels", "live", "nuisance")
"""What the data of the page hold of each hit, a list by name, as in the events."""
_CONDITIONS: dict[str, tuple[str, Mood]] = {
    "learning": ("Cannot say yet that all is clear", "unsure"),
    "clear": ("Clear at the end", "good"),
    "alarm": ("An alarm stands at the end", "bad"),
    "changed": ("The background has changed", "unsure"),
}
_MEDIAN = "The scene is the median of pictures from all over the recording"
_SCENES: dict[Scene, str] = {
    "blurred": f"{_MEDIAN}, blurred so that nobody in it can be recognised.",
    "sharp": f"{_MEDIAN}. It may show people: mind who sees it.",
    "none": "The scene is left out.",
}
_STAGES = {"decode": "decoding the picture", **STAGE_WORDS, "alarm": "judging the rate"}


@dataclass(frozen=True, slots=True)
class Recording:
    """What a page says of the recording itself.

    Attributes
    ----------
    name : str
        Its name without folders and logins.
    mode : Mode
    exposure_s : float or None
        As stated by the user.
    command : str
        The command line that makes the page.

    """

    name: str
    mode: Mode
    exposure_s: float | None
    command: str


def report_page(gathering: Gathering, summary: Summary, recording: Recording, scene: Scene = "blurred") -> Page:
    """Return the page of an analysed recording.

    Parameters
    ----------
    gathering : Gathering
        What was seen of it.
    summary : Summary
    recording : Recording
    scene : {"blurred", "sharp", "none"}
        How the scene is shown below the map of hits. Blurred, nobody in it can be recognised.

    """
    words, mood = _CONDITIONS[summary.condition]
    sections = [
        Section("", [verdict(words, mood, *_reasons(summary)), *_warnings(summary)]),
        Section("At a glance", [facts(_glance(summary, recording))]),
        Section("Rate and alarms", [*_timeline(gathering, summary)]),
        Section("Hits, enlarged", [*_gallery(gathering, summary)]),
        Section("Where hits lie", [*_map(gathering, scene)]),
        Section("Light and size of the hits", [*spectra(gathering.hits)]),
        Section("Speed", [*_speed(summary)]),
        Section("Camera and faults", [*_faults(summary)]),
    ]
    return Page(
        f"Hits in {recording.name}",
        _mode_words(recording.mode) + f"; {counted(summary.frames, 'frame')}",
        sections,
        recording.command,
        data(gathering, summary),
    )


def data(gathering: Gathering, summary: Summary) -> dict[str, Any]:
    """Return what programs may want of the page: the hits, a list by name, and the steps of the alarms."""
    hits = {name: [hit.get(name) for hit in gathering.hits] for name in FIELDS}
    return {"hits": hits, "hits_in_all": summary.hits, "alarms": gathering.alarms}


def _mode_words(mode: Mode) -> str:
    return f"{mode.width}×{mode.height} pixels, {mode.fps:g} frames a second, {mode.codec}"


def _reasons(summary: Summary) -> Iterator[str]:
    if summary.reasons:
        yield "Because: " + "; ".join(summary.reasons) + "."
    for episode in summary.episodes:
        yield f"{episode}."
    if not summary.episodes:
        yield "No alarm was raised."


def _warnings(summary: Summary) -> Iterator[Html]:
    for warning in summary.warnings:
        yield note(f"{warning[:1].upper()}{warning[1:]}.")


def _glance(summary: Summary, recording: Recording) -> Iterator[tuple[str, object, object]]:
    rate_hz = summary.live_hits / summary.live_s if summary.live_s > 0 else None
    yield "Hits", f"{summary.hits:,}", f"{summary.live_hits:,} of them enter the rate"
    yield "Alarms", f"{summary.alarms:,}", "raised"
    yield "Mean rate", "–" if rate_hz is None else f"{rate_hz:.3g}", "hits a live second"
    exposure = (
        "exposure not stated: rates are lower limits"
        if recording.exposure_s is None
        else f"exposure {1000 * recording.exposure_s:.3g} ms"
    )
    yield "Live time", f"{summary.live_s:.1f} s", exposure
    yield "Live picture", f"{summary.live_fraction:.1%}", "mean share on which a hit would be seen"
    yield "Visible", f"{summary.sensitivity:.0%}", "of hits at this brightness"
    yield "Candidates", f"{summary.candidates:,}", f"{summary.unclassified:,} left unclassified"


def _timeline(gathering: Gathering, summary: Summary) -> Iterator[Html]:
    cells = gathering.timeline.cells()
    end_s = cells[-1].start_s + max(cells[-1].seconds, 0.04) if cells else 1.0
    spans = alarm_spans(summary.episodes, end_s)
    yield rate_chart(cells, spans)
    yield live_chart(cells, spans)
    if summary.episodes:
        rows = [
            (
                episode.id,
                f"{episode.onset_s:.1f} s",
                f"{episode.raised_s:.1f} s",
                "stands at the end" if episode.ended_s is None else f"{episode.ended_s:.1f} s",
                f"{episode.rate_hz:.3g}",
                f"{episode.background_hz:.3g}",
                f"{episode.significance_sigma:.1f} σ",
            )
            for episode in summary.episodes
        ]
        names = ("alarm", "onset", "raised", "cleared", "rate, 1/s", "background, 1/s", "excess")
        yield table(names, rows, "Alarms")
        weakened = {reason for alarm in gathering.alarms for reason in alarm["weakened_by"]}
        if weakened:
            yield hint("Reasons to trust these alarms less: " + "; ".join(sorted(weakened)) + ".")


def _gallery(gathering: Gathering, summary: Summary) -> Iterator[Html]:
    if not gathering.shots:
        yield prose("No hits.")
        return
    shown = chosen(gathering.shots)
    yield prose(
        f"{len(shown)} of {counted(summary.hits, 'hit')}, from all over the recording: the previous, the current and "
        f"the next frame, {NARROW_PX} pixels a side, enlarged {ENLARGED} times, the three in one contrast. A hit "
        "stands in the middle one only. Crops are too small for a face to be recognised."
    )
    first, others = chosen(shown, SHOWN_AT_ONCE), [*shown]
    for shot in first:
        others.remove(shot)
    yield gallery(map(_shot, first))
    if others:
        yield folded(f"{len(others)} more", gallery(map(_shot, others)))


def chosen(shots: Sequence[HitShot], most: int = MAX_SHOWN) -> list[HitShot]:
    """Choose hits to show, in order of time: the brightest third, and the others spread evenly."""
    if len(shots) <= most:
        return list(shots)
    order = sorted(range(len(shots)), key=lambda i: -float(shots[i].event["added_dn"]))
    bright, others = order[: most // 3], sorted(order[most // 3 :])
    spread = [others[i * len(others) // (most - len(bright))] for i in range(most - len(bright))]
    return [shots[i] for i in sorted([*bright, *spread])]


def _shot(shot: HitShot) -> Shot:
    middle = NARROW_PX // 2
    picture = strip([shot.previous, shot.current, shot.following], [None, (middle, middle), None])
    event = shot.event
    apart = ""
    if "nuisance" in event:
        apart = f"; does not count: {event['nuisance']}"
    elif not event["live"]:
        apart = "; does not count: not on live ground"
    caption = (
        f"x {event['x']}, y {event['y']}; adds {event['added_dn']:.0f} grey levels over {event['pixels']} pixels; "
        f"score {event['score']:.2f}{apart}"
    )
    title = f"frame {event['frame']}, {event['time_s']:.2f} s"
    height, width = picture.shape[:2]
    words = f"Previous, current and next frame around the hit of {title}"
    return Shot(as_png(picture), words, title, caption, width, height)


def _map(gathering: Gathering, scene: Scene) -> Iterator[Html]:
    width, height = gathering.size
    backdrop = element("rect", width=width, height=height, class_="blank")
    if scene != "none":
        picture = gathering.scene()
        shown = blurred(picture) if scene == "blurred" else picture
        backdrop = element("image", href=as_jpeg(shown, 70), width=width, height=height, preserveAspectRatio="none")
    radius = max(width / 110, 3)
    rings = [
        element("circle", cx=f"{x:.0f}", cy=f"{y:.0f}", r=f"{radius:.0f}", class_="ring" if counts else "ring dead")
        for x, y, counts in gathering.places[:MAX_RINGS]
    ]
    title = element("title", f"Places of {counted(len(rings), 'hit')} in the picture")
    edge = element("rect", width=width, height=height, class_="frame")
    content = [title, backdrop, *rings, edge]
    yield element("div", element("svg", *content, viewBox=f"0 0 {width} {height}", role="img"), class_="picture-map")
    dead = " Dashed rings do not count." if any(not counts for _, _, counts in gathering.places) else ""
    left_out = f" The first {MAX_RINGS:,} are shown." if len(gathering.places) > MAX_RINGS else ""
    yield hint(
        f"A ring for each hit. {_SCENES[scene]}{dead}{left_out} Radiation falls anywhere; hits that gather at one "
        "place come from the scene or from a faulty pixel."
    )


def _speed(summary: Summary) -> Iterator[Html]:
    yield prose(
        f"{summary.fps:.1f} frames a second in {summary.seconds:.1f} s, networks run by {summary.runtime}. "
        "The times of stages are of one thread."
    )
    ms = {_STAGES[stage]: times for stage, times in summary.ms.items()}
    rows = [(words, f"{times.mean:.2f}", f"{times.p95:.2f}", f"{times.max:.2f}") for words, times in ms.items()]
    listed = table(("milliseconds a frame", "mean", "95 % below", "most"), rows, "Milliseconds a frame by stage")
    yield charts((stage_chart(ms), listed))


def _faults(summary: Summary) -> Iterator[Html]:
    counts = (
        ("Not analysed", f"{summary.not_analysed:,}", "frames without a neighbour on both sides"),
        ("Damaged", f"{summary.damaged:,}", "frames"),
        ("Repeated", f"{summary.repeated:,}", "pictures left out"),
        ("Overloaded", f"{summary.overloaded:,}", "frames with more hits than can be judged"),
    )
    yield facts(counts)
    yield heading("States of the camera")
    if not summary.camera:
        yield prose("None: the camera was well all the time.")
        return
    rows = [(f"{state['time_s']} s", state["detail"], state["remedy"]) for state in summary.camera]
    yield table(("from", "what was seen", "what to do"), rows, "States of the camera", words=True)

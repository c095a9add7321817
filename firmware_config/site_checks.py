"""Faults of a site file that no single value shows: placeholders, and values that do not belong together."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from edge.config.faults import shown_text
from firmware_config.cameras import DEFAULT_FPS, mismatch
from firmware_config.site import DEFAULT_EXPOSURE_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.config.yaml_file import Place, Value

PLACEHOLDER = "CHANGE-ME"
_UNTOUCHED = re.compile(
    r"(change|replace|fill|edit)[-_ ]?(me|in|this)\b|^<[^>]*>$|^\s*(todo|xxx+|\.\.\.)\s*$", re.IGNORECASE
)
_EXAMPLE_NAMES = re.compile(r"(^|\.)(example(\.(com|net|org))?|invalid)\.?$", re.IGNORECASE)  # RFC 2606: never real
_MILLISECONDS = re.compile(r"\s*([0-9]{1,4}(?:\.[0-9]{1,4})?)\s*ms\s*")
ROUNDING = 1.005
"""A frame of 1/30 s is written as 0.0334 by some."""


def faults_between(data: Mapping[str, Value]) -> Iterator[tuple[Place, str]]:
    """Yield faults of a site file's data, each as its place and a sentence.

    The data may have any other faults: what is of another type than expected is passed over.

    Examples
    --------
    >>> for place, sentence in faults_between({"site": "CHANGE-ME", "broker": {"host": "localhost"}, "boxes": []}):
    ...     print(place, sentence)
    ('site',) still holds the placeholder of the example; write what fits your site
    ('broker', 'host') found 'localhost', where each box would look for the broker on itself; write its name or address

    """
    yield from _placeholders(dict(data), ())
    boxes = [box for box in _entries(data.get("boxes")) if isinstance(box, dict)]
    broker = data.get("broker")
    if isinstance(broker, dict) and isinstance(host := broker.get("host"), str):
        yield from _host_faults(host, only_here=bool(boxes) and all(box.get("board") == "pc" for box in boxes))
    for index, box in enumerate(_entries(data.get("boxes"))):
        if isinstance(box, dict):
            for place, sentence in _box_faults(box):
                yield ("boxes", index, *place), sentence


def _entries(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _placeholders(value: Value, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        if _UNTOUCHED.search(value):
            yield place, "still holds the placeholder of the example; write what fits your site"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _placeholders(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _placeholders(inner, (*place, index))


def _host_faults(host: str, *, only_here: bool) -> Iterator[tuple[Place, str]]:
    if _EXAMPLE_NAMES.search(host):
        yield ("broker", "host"), f"found {shown_text(host)}, a name for examples; write that of your broker"
    elif is_this_machine(host) and not only_here:
        yield (
            ("broker", "host"),
            f"found {shown_text(host)}, where each box would look for the broker on itself; write its name or address",
        )


def is_this_machine(host: str) -> bool:
    """Return whether a name or address means the machine that uses it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _box_faults(box: Mapping[str, Value]) -> Iterator[tuple[Place, str]]:
    camera, board = box.get("camera"), box.get("board")
    if isinstance(camera, str) and isinstance(board, str) and (wrong := mismatch(camera, board)):
        yield ("camera",), wrong
    yield from _exposure_faults(box)


def _exposure_faults(box: Mapping[str, Value]) -> Iterator[tuple[Place, str]]:
    settings = box.get("settings")
    source = settings.get("source") if isinstance(settings, dict) else None
    fps = _number(source.get("fps", DEFAULT_FPS) if isinstance(source, dict) else DEFAULT_FPS)
    given = box.get("exposure_s", DEFAULT_EXPOSURE_S)
    if isinstance(given, str) and (number := _MILLISECONDS.fullmatch(given)):
        seconds = float(number[1]) / 1000
        yield ("exposure_s",), f"found the text {shown_text(given)}, expected seconds; did you mean {seconds:g}?"
    exposure_s = _number(given)
    if exposure_s is None or fps is None or fps <= 0 or exposure_s * fps <= ROUNDING:
        return
    place = ("exposure_s",) if "exposure_s" in box else ("settings", "source", "fps")
    sentence = f"found {exposure_s:g} s, longer than a frame at {fps:g} frames a second ({1 / fps:.4f} s)"
    # Milliseconds or microseconds instead of seconds, or a nought that was forgotten.
    units = (1e3, 1e6) if exposure_s >= 1 else (10.0,) if exposure_s >= 0.1 else ()
    likely = next((exposure_s / unit for unit in units if exposure_s / unit * fps <= ROUNDING), None)
    if likely is None:
        advice = f"shorten it, or lower settings.source.fps to at most {1 / exposure_s:.3g}"
    elif exposure_s >= 1:
        advice = f"seconds are expected, did you mean {likely:g}?"
    else:
        advice = f"did you mean {likely:g}? Otherwise lower settings.source.fps to at most {1 / exposure_s:.3g}"
    yield place, f"{sentence}; {advice}"


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

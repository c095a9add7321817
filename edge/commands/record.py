"""The command `gammabox-edge record`: recordings of the box's own camera for datasets."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from edge.commands.console import EXIT_CHECK_FAILED
from edge.commands.guide import Guide
from edge.config.device import load_settings
from edge.config.faults import shown_text
from edge.errors import GammaboxError, RecordingError
from edge.site.camera import open_camera
from edge.site.dark import wait_for_lens
from edge.site.recording import COVERED, Recorder, begin, check_room

if TYPE_CHECKING:
    from pathlib import Path

    from edge.commands.site_options import RecordOptions
    from edge.site.recording import SetName

PATIENCE_S = 60.0
_SETS: dict[str, SetName] = {"A": "A", "B": "B", "C": "C"}
STEPS = {
    "A": "Set A is noise: cover the lens so that no light comes in, and bring no source near.",
    "B": "Set B stores pictures of everyone who passes. Record only where you may, say so on a sign, and bring no "
    "source near.",
    "C": "Set C is radiation: cover the lens so that no light comes in, and place the source.",
}


def run(config: Path, out: Path, options: RecordOptions, *, as_json: bool) -> int:
    """Record a set and return the exit code.

    Raises
    ------
    GammaboxError
        Settings or camera cannot be used, there is no room, or the recording cannot be written.

    """
    name = _SETS.get(options.set.upper())
    if name is None:
        raise GammaboxError(f"found the set {shown_text(options.set)}, expected A, B or C")
    if (name == "C") != (options.radiation is not None):
        raise GammaboxError("--radiation says which source set C shows; the other sets have none")
    settings = load_settings(config)
    guide = Guide(ask=not options.yes)
    guide.tell(STEPS[name])
    if not guide.confirms("Record pictures of people?" if name == "B" else "Is it so?", unasked=True):
        sys.stderr.write("nothing was recorded\n")
        return EXIT_CHECK_FAILED
    with open_camera(settings.source) as source:
        # Every picture counts, repeats too: a covered camera without noise sends nothing else.
        frames = source.pictures()
        if source.live and COVERED[name]:
            wait_for_lens(frames, covered=True, patience_s=PATIENCE_S)
        start = begin(source, frames)
        if start.covered != COVERED[name]:
            problem = "is covered" if start.covered else "is not covered: the pictures are too bright for a covered one"
            raise RecordingError(source.spec, f"its lens {problem}", f"set {name} needs it otherwise")
        out.mkdir(parents=True, exist_ok=True)
        check_room(out, start, options.seconds)
        fields = {"set": name, "radiation": options.radiation, "remark": options.remark}
        recorder = Recorder(out, settings, source, start, fields)
        with guide.progress(f"set {name}", options.seconds) as progress:
            note = recorder.write(frames, options.seconds, progress)
    if as_json:
        print(json.dumps({"path": str(recorder.path), **note.model_dump(mode="json")}))
    else:
        print(
            f"{recorder.path}: {note.frames:,} frames in {note.seconds:.0f} s, {note.missing:,} missing; {note.ended}"
        )
    return 0 if note.complete else EXIT_CHECK_FAILED

"""The notes that `gammabox-edge record` lays beside its recordings, as an import reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.site.recording import note_of
from trainer.scenes.footage import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.site.recording import RecordingNote, SetName
    from trainer.scenes.footage import Footage

NOTE_SUFFIX = ".json"


def with_fitting_notes(
    recordings: Sequence[Footage], name: SetName, refused: list[Refusal], notes: dict[str, RecordingNote]
) -> list[Footage]:
    """Return the recordings whose note, where there is one, says that they belong to this set.

    Parameters
    ----------
    recordings : sequence of Footage
    name : {"A", "B", "C"}
    refused : list of Refusal
        Receives the others.
    notes : dict of recording to RecordingNote
        Receives the notes of those that are returned.

    """
    fitting = []
    for recording in recordings:
        try:
            note = note_of(recording.path) if recording.kind == "video" else None
        except (OSError, ValueError):
            refused.append(Refusal(recording.path, "its note is damaged: remove or mend the .json file beside it"))
            continue
        if note is not None and note.set != name:
            refused.append(Refusal(recording.path, f"its note says that it belongs to set {note.set}"))
            continue
        if note is not None:
            notes[recording.path.name] = note
        fitting.append(recording)
    return fitting


def described(note: RecordingNote | None) -> str:
    """Return what a note says of a recording, to follow other words; empty without a note."""
    if note is None:
        return ""
    facts = [f"box {note.site}/{note.device}, {note.started_utc:%Y-%m-%d}"]
    if note.exposure_s is not None:
        facts.append(f"{note.exposure_s * 1e3:g} ms")
    if note.gain is not None:
        facts.append(f"gain {note.gain:g}")
    if note.temperature_c is not None:
        facts.append(f"{note.temperature_c:.0f} °C")
    if note.radiation is not None:
        facts.append(note.radiation)
    return f" ({', '.join(facts)})"

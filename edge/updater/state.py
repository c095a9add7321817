"""What the updater knows over a power cut: which slot is good, what is being tried, and which releases are bad."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from edge.updater.errors import UpdaterError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.updater.disk import Disk

FILE = "state.json"
MAX_BYTES = 1 << 20
MAX_BAD = 50
Phase = Literal["idle", "preparing", "stopping", "trial", "proven", "rolling_back"]
"""idle: the active slot runs. preparing: the other one is being filled. stopping: the agent is stopped and its state
copied. trial: the other slot runs, and is judged. proven: it delivers what it has to, and only the broker has not been
reached yet. rolling_back: the way back has begun."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The release that is being tried.

    Attributes
    ----------
    slot : {"a", "b"}
    release : str
        Its name.
    sha256 : str
        Of its manifest.
    offer : str
        Id of the announcement.
    starts : int
        How often it was started.
    worked : dict
        What worked before; see `edge.updater.gate.Baseline`.
    reason : str or None
        Why it is given up.

    """

    slot: str
    release: str
    sha256: str
    offer: str
    starts: int = 0
    worked: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The state of the updater.

    Attributes
    ----------
    active : {"a", "b"}
        The slot that was found good last.
    bad : dict of str to str
        Reasons by the hash of the manifest.
    tries : dict of str to int
        How often a release could not be prepared, by the hash of the manifest.
    done : str
        Id of the announcement that was dealt with last.

    """

    active: str
    phase: Phase = "idle"
    trial: Trial | None = None
    bad: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    done: str = ""

    def with_bad(self, sha256: str, reason: str) -> State:
        """Return the state with one more bad release; the oldest are forgotten."""
        bad = {**{key: text for key, text in self.bad.items() if key != sha256}, sha256: reason}
        return replace(self, bad=dict(list(bad.items())[-MAX_BAD:]))


def load_state(folder: Path) -> State | None:
    """Read the state in the updater's folder; None where there is none.

    Raises
    ------
    UpdaterError
        It is damaged, or of a newer updater.

    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES)
    except FileNotFoundError:
        return None
    try:
        given = json.loads(content)
        if given.pop("schema_version") != 1:
            raise UpdaterError(f"{path}: is of a newer updater; install that one again")
        trial = given.pop("trial")
        state = State(**_known(State, given), trial=None if trial is None else Trial(**_known(Trial, trial)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UpdaterError(f"{path}: is damaged ({error}); install the release again") from error
    if state.active not in {"a", "b"} or state.phase not in get_args(Phase):
        raise UpdaterError(f"{path}: is damaged; install the release again")
    if (state.trial is None) != (state.phase == "idle"):
        raise UpdaterError(f"{path}: is damaged; install the release again")
    return state


def save_state(disk: Disk, folder: Path, state: State) -> None:
    """Write the state in one step."""
    content = json.dumps({"schema_version": 1, **asdict(state)}, indent=1) + "\n"
    disk.write(folder / FILE, content.encode(), 0o600)


def _known(kind: type[State | Trial], given: dict[str, Any]) -> dict[str, Any]:
    # A later updater only ever adds keys.
    names = {each.name for each in fields(kind)}
    return {key: value for key, value in given.items() if key in names}

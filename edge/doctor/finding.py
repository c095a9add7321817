"""What a check finds, and how a check is run so that it can neither hang nor crash the others."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from edge.errors import GammaboxError
from edge.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

State = Literal["ok", "fault", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    Attributes
    ----------
    check : str
        What was checked, in a word or two.
    state : {"ok", "fault", "skipped"}
        Skipped is what cannot be told here or does not apply.
    found : str
        What was found, in a line; it holds no secret.
    remedy : str
        What to do about a fault.

    """

    check: str
    state: State
    found: str
    remedy: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", redacted(self.found))
        object.__setattr__(self, "remedy", redacted(self.remedy))

    def as_dict(self) -> dict[str, str]:
        """Return the finding, ready for JSON."""
        return asdict(self)


def ok(check: str, found: str) -> Finding:
    """Return a finding of a check that found nothing wrong."""
    return Finding(check, "ok", found)


def fault(check: str, found: str, remedy: str) -> Finding:
    """Return a finding of something wrong, with its remedy."""
    return Finding(check, "fault", found, remedy)


def skipped(check: str, why: str) -> Finding:
    """Return a finding that says why nothing could be told."""
    return Finding(check, "skipped", why)


@dataclass(frozen=True, slots=True)
class Check:
    """A check that returns one or more findings.

    Attributes
    ----------
    name : str
    run : callable
    limit_s : float
        Time that it may take.
    remedy : str
        What to do where it does not answer in time.

    """

    name: str
    run: Callable[[], Iterable[Finding]]
    limit_s: float
    remedy: str


def findings_of(check: Check) -> tuple[Finding, ...]:
    """Run a check in a thread and return its findings; a fault where it fails or does not answer in time.

    A thread that hangs in a driver cannot be ended. It is left to itself.

    Examples
    --------
    >>> import time
    >>> findings_of(Check("disk", lambda: [ok("disk", "12 GB free")], 1.0, "look at it"))
    (Finding(check='disk', state='ok', found='12 GB free', remedy=''),)
    >>> [slow] = findings_of(Check("camera", lambda: time.sleep(0.2) or [], 0.01, "check its cable"))
    >>> slow.found, slow.remedy
    ('no answer within 0.01 s', 'check its cable')

    """
    answer: list[Finding] = []

    def run() -> None:
        try:
            answer.extend(check.run())
        except GammaboxError as error:
            answer.append(_of_error(check.name, error))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a box must not end its examination
            answer.append(fault(check.name, f"the check failed ({type(error).__name__}: {error})"[:300], check.remedy))

    thread = threading.Thread(target=run, name=f"check {check.name}", daemon=True)
    thread.start()
    thread.join(check.limit_s)
    if thread.is_alive():
        return (*answer, fault(check.name, f"no answer within {check.limit_s:g} s", check.remedy))
    return tuple(answer)


def _of_error(check: str, error: GammaboxError) -> Finding:
    """Return the fault that an error tells of; its message says after the last semicolon what to do."""
    problem, _, advice = str(error).replace("\n", " ").rpartition("; ")
    return fault(check, problem, advice) if problem else fault(check, advice, "see the message")

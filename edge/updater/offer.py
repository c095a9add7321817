"""The offer of a release, as the agent has handed it over. None of it is believed: a release counts if it is signed."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.updater.errors import UpdaterError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 16384
MAX_URLS = 8
_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_URL = re.compile(r"https://[\x21-\x7e]{1,490}")


@dataclass(frozen=True, slots=True)
class Offer:
    """A release that this box is to run.

    Attributes
    ----------
    offer : str
        Id of the offer.
    release : str
        Name of the release.
    urls : tuple of str
        Addresses of manifests; the first that is for this box counts.
    again : bool
        Whether a release that was found bad is tried once more.

    """

    offer: str
    release: str
    urls: tuple[str, ...]
    again: bool = False


def read_offer(path: Path) -> Offer | None:
    """Return the offer in a file; None where there is none.

    Raises
    ------
    UpdaterError
        It cannot be read, or is none.

    """
    try:
        # The folder is the agent's, and root follows no link that lies there.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UpdaterError(f"{path}: cannot be read ({error.strerror})") from error
    with open(opened, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        content = file.read(MAX_BYTES + 1)
    try:
        given = json.loads(content)
        offer = Offer(
            offer=_matching(given["offer"], _ID),
            release=str(given["release"])[:100],
            urls=tuple(_matching(url, _URL) for url in given["urls"][:MAX_URLS]),
            again=given.get("again") is True,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UpdaterError(f"{path}: is no offer of a release ({error})") from error
    if not offer.urls:
        raise UpdaterError(f"{path}: names no address of a release")
    return offer


def _matching(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"found {value!r:.60}")
    return value

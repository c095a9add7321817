"""Findings that are kept with what they are about; among them, what leaks from the tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge.files import load_json, read_text
from trainer.data.leakage import AUC_LIMIT, LeakageReport, check_leakage
from trainer.errors import DatasetError
from trainer.training.run import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from trainer.data.dataset import Dataset


def leakage_of(folder: Path, tests: Mapping[str, Dataset], say: Callable[[str], object]) -> dict[str, Any]:
    """Return for each test how well N and P are told apart with all blotches inpainted; None where it has too few."""
    found: dict[str, Any] = {}
    for name, test in tests.items():
        place = folder / f"leakage-{name}.json"
        known = kept(place, test.sha256)
        if known is None:
            say(f"{name}: can N and P be told apart without blotches?")
            try:
                report = check_leakage(test)
                known = {"auc": report.auc, "error": report.auc_error, "limit": report.limit, "judged": report.judged}
                known["passed"] = passed(report)
            except DatasetError:
                known = {"auc": None, "error": None, "limit": AUC_LIMIT, "judged": 0, "passed": None}
            keep(place, test.sha256, known)
        found[name] = known
    return found


def passed(report: LeakageReport) -> bool | None:
    """Return whether N and P cannot be told apart, or None where there are too few crops to say so either way."""
    if report.auc <= report.limit:
        return True
    by_chance = 2 * report.auc_error
    if report.limit - 0.5 < by_chance and report.auc - by_chance <= report.limit:
        return None
    return False


def kept(place: Path, of: object) -> dict[str, Any] | None:
    """Return what `keep` wrote about the same, if it did."""
    try:
        content = load_json(read_text(place))
    except (OSError, ValueError):
        return None
    return content.get("found") if isinstance(content, dict) and content.get("of") == of else None


def keep(place: Path, of: object, found: dict[str, Any]) -> None:
    """Write a finding in one step, with what it is about: the digest of data, or another value as JSON holds it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, json.dumps({"of": of, "found": found}, indent=1) + "\n")

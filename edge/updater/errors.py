"""The errors of the updater, below those of edge.errors."""

from __future__ import annotations

from edge.errors import GammaboxError


class UpdaterError(GammaboxError):
    """The base of the updater's errors: something that keeps it from working now, and may pass."""


class RefusedError(UpdaterError):
    """A release that this box does not take. Its text is the reason, which the box reports."""

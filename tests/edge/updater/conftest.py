"""Certificates for a server of releases; a folder in memory, where flushing takes no time."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_config.credentials import create
from firmware_config.site import Box, Broker, Site


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - where Linux has it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "credentials"
    box = Box(device="gate-1", board="pc", camera="/x.avi")
    create(folder, Site(site="docks", broker=Broker(host="127.0.0.1"), boxes=(box,)))
    return folder

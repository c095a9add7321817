"""A played agent, a server of releases with its certificates, a folder in memory, where flushing takes no time."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from release_server import ReleaseServer
from slot_box import PlayedAgent, started_agent

from edge.updater.layout import Layout
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


@pytest.fixture
def agent(layout: Layout) -> Iterator[PlayedAgent]:
    """Play the agent of the box that the module names `layout`."""
    played = started_agent(layout)
    yield played
    played.stop()


@pytest.fixture
def web(tmp_path: Path, credentials: Path) -> Iterator[ReleaseServer]:
    """Serve the folder web, which is empty but for a folder blobs."""
    folder = tmp_path / "web"
    (folder / "blobs").mkdir(parents=True)
    server = ReleaseServer(folder, credentials / "broker/broker.crt", credentials / "broker/broker.key")
    yield server
    server.close()

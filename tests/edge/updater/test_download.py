"""Downloads go on where they ended, fetch nothing twice, and trust only whom they may."""

import hashlib
import shutil
import ssl

import pytest
from release_server import NGINX, nginx

from edge.installer.manifest import ReleaseFile
from edge.updater.disk import Disk
from edge.updater.download import Server, context_of, fetch, get
from edge.updater.errors import UpdaterError

CONTENT = bytes(range(256)) * 4096
FILE = ReleaseFile("agent.whl", "wheel", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


@pytest.fixture
def served(web):
    (web.folder / "blobs" / FILE.sha256).write_bytes(CONTENT)
    (web.folder / "release.json").write_bytes(b"envelope")
    return web


@pytest.fixture
def trusting(credentials):
    return Server(context_of(credentials / "ca.crt"), timeout_s=5.0, pauses_s=(0.0, 0.0))


def fetched(server, trusting, path, file=FILE):
    fetch(f"{server.url}blobs/{file.sha256}", path, file, trusting, Disk())
    return path.read_bytes()


def test_fetch_goes_on_where_it_was_interrupted(served, trusting, tmp_path):
    served.cut_after = 400_000
    assert fetched(served, trusting, tmp_path / "blob") == CONTENT
    assert [first for _, first in served.requests] == [0, 400_000, 800_000]
    assert not (tmp_path / "blob.part").exists()


def test_fetch_goes_on_in_the_next_run(served, trusting, tmp_path):
    served.cut_after = 100_000
    with pytest.raises(UpdaterError, match="the connection ended"):
        fetched(served, trusting, tmp_path / "blob")
    served.requests.clear()
    served.cut_after = None
    assert fetched(served, trusting, tmp_path / "blob") == CONTENT
    assert [first for _, first in served.requests] == [300_000]


def test_fetch_without_ranges_begins_anew(served, trusting, tmp_path):
    (tmp_path / "blob.part").write_bytes(CONTENT[:1000])
    served.ranges = False
    assert fetched(served, trusting, tmp_path / "blob") == CONTENT


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)])
def test_fetch_of_something_else_starts_over(served, trusting, tmp_path, part):
    (tmp_path / "blob.part").write_bytes(part)
    if len(part) <= len(CONTENT):
        with pytest.raises(UpdaterError, match="is not the file that the manifest names"):
            fetched(served, trusting, tmp_path / "blob")
        assert not (tmp_path / "blob").exists()
    assert fetched(served, trusting, tmp_path / "blob") == CONTENT


def test_fetch_of_a_missing_file_says_so(served, trusting, tmp_path):
    with pytest.raises(UpdaterError, match="the server answers 404"):
        fetched(served, trusting, tmp_path / "blob", ReleaseFile("x", "wheel", "0" * 64, 5))


def test_get_takes_no_file_that_is_too_large(served, trusting):
    assert get(f"{served.url}release.json", trusting, 8) == b"envelope"
    with pytest.raises(UpdaterError, match="more than 7 bytes"):
        get(f"{served.url}release.json", trusting, 7)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "file:///etc/passwd", "https:///x", "ftp://host/x"])
def test_get_speaks_https_only(trusting, url):
    with pytest.raises(UpdaterError, match="expected an address that begins with https://"):
        get(url, trusting, 100)


def test_get_trusts_no_server_of_another_authority(served, tmp_path):
    with pytest.raises(UpdaterError, match="certificate is not trusted"):
        get(f"{served.url}release.json", Server(context_of(tmp_path / "none")), 100)
    assert context_of(tmp_path / "none").verify_mode == ssl.CERT_REQUIRED


def test_get_trusts_no_server_of_another_name(served, trusting):
    with pytest.raises(UpdaterError, match="certificate is not trusted"):
        get(f"https://localhost:{served.port}/release.json", trusting, 100)


def test_get_from_nobody_says_so(served, trusting):
    served.close()
    with pytest.raises(UpdaterError, match="cannot be fetched"):
        get(f"{served.url}release.json", trusting, 100)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_fetch_from_nginx_goes_on(served, credentials, trusting, tmp_path, free_port):
    certificate, key = credentials / "broker/broker.crt", credentials / "broker/broker.key"
    shutil.copytree(served.folder, tmp_path / "served")
    with nginx(tmp_path / "served", certificate, key, free_port(), tmp_path / "nginx") as url:
        (tmp_path / "blob.part").write_bytes(CONTENT[:700_000])
        fetch(f"{url}blobs/{FILE.sha256}", tmp_path / "blob", FILE, trusting, Disk())
    assert (tmp_path / "blob").read_bytes() == CONTENT

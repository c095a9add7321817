import json

import pytest
from release_rig import CURRENT, NEXT, STRANGER, TRUST

from edge.errors import ReleaseError
from edge.installer.trust import Trust, load_trust, save_trust, trust_text


def test_trust_comes_back_as_it_was_saved(tmp_path) -> None:
    trust = Trust(CURRENT.public, NEXT.public, (STRANGER.public,), 4)
    save_trust(tmp_path / "trust.json", trust)
    assert load_trust(tmp_path / "trust.json") == trust


def test_trust_accepts_no_revoked_key() -> None:
    assert TRUST.accepted == (CURRENT.public, NEXT.public)
    assert Trust(CURRENT.public, NEXT.public, (NEXT.public,)).accepted == (CURRENT.public,)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"current": "ab"},
        {"next": None},
        {"revoked": "x"},
        {"revoked": 5},
        {"minimum": -1},
        {"minimum": "3"},
    ],
)
def test_load_trust_refuses_damaged_files(tmp_path, changes) -> None:
    path = tmp_path / "trust.json"
    path.write_text(json.dumps({**json.loads(trust_text(TRUST)), **changes}))
    with pytest.raises(ReleaseError, match="the keys of releases cannot be read"):
        load_trust(path)


@pytest.mark.parametrize("content", [None, b"\xff", b"[]", b"{}"])
def test_load_trust_refuses_what_is_no_trust(tmp_path, content) -> None:
    if content is not None:
        (tmp_path / "trust.json").write_bytes(content)
    with pytest.raises(ReleaseError, match=r"trust\.json"):
        load_trust(tmp_path / "trust.json")

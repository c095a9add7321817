import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.installer.trust import key_id
from firmware_config.errors import CredentialsError
from firmware_config.release_keys import create, load, public_of, revoke_retired, rotate, signers


@pytest.fixture
def folder(tmp_path):
    create(tmp_path / "keys")
    return tmp_path / "keys"


def signing(folder) -> list[str]:
    return [public_of(private) for private in signers(folder, load(folder))]


def test_create_makes_two_private_keys(folder) -> None:
    ring = load(folder)
    assert ring.current != ring.next
    assert signing(folder) == [ring.current]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("current.key", "next.key")} == {0o600}
    assert (ring.trust.current, ring.trust.next, ring.trust.minimum) == (ring.current, ring.next, 0)
    secret = serialization.load_pem_private_key((folder / "current.key").read_bytes(), None).private_bytes_raw().hex()
    assert secret not in (folder / "keys.json").read_text()


def test_create_never_overwrites(folder) -> None:
    with pytest.raises(CredentialsError, match="has keys of releases already"):
        create(folder)


def test_rotate_promotes_the_next_key_and_keeps_the_old_one(folder) -> None:
    before = load(folder)
    after = rotate(folder)
    assert after == load(folder)
    assert after.current == before.next
    assert after.next not in {before.current, before.next}
    assert (after.retired, after.revoked) == ((before.current,), ())
    assert signing(folder) == [before.next, before.current]


def test_rotate_revokes_a_stolen_key(folder) -> None:
    before = load(folder)
    after = rotate(folder, revoke=True)
    assert (after.retired, after.revoked) == ((), (before.current,))
    assert after.keys.revoked == (before.current,)
    assert signing(folder) == [before.next]
    assert not list(folder.glob("retired-*"))


def test_rotate_needs_the_next_key(folder, tmp_path) -> None:
    (folder / "next.key").rename(tmp_path / "elsewhere.key")
    before = load(folder)
    with pytest.raises(CredentialsError, match=r"next\.key: is missing; bring it from where you keep it"):
        rotate(folder)
    assert load(folder) == before
    assert signing(folder) == [before.current]


def test_revoke_retired_removes_a_key(folder) -> None:
    old = load(folder).current
    rotate(folder)
    ring = revoke_retired(folder, key_id(old)[:8])
    assert (ring.retired, ring.revoked) == ((), (old,))
    assert signing(folder) == [ring.current]
    assert not list(folder.glob("retired-*"))


@pytest.mark.parametrize("beginning", ["", "zz"])
def test_revoke_retired_refuses_other_names(folder, beginning) -> None:
    rotate(folder)
    with pytest.raises(CredentialsError, match=r"names no retired key .*rotate --revoke"):
        revoke_retired(folder, beginning)


def other_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption())


@pytest.mark.parametrize("content", [b"", b"no key", None], ids=["empty", "text", "another"])
def test_signers_refuse_a_key_that_is_another(folder, content) -> None:
    (folder / "current.key").write_bytes(other_key() if content is None else content)
    with pytest.raises(CredentialsError, match=r"current\.key: (holds no key|is not the key)"):
        signing(folder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "current": "ab", "next": "cd", "retired": [], "revoked": []}'],
)
def test_load_refuses_a_damaged_file(folder, text) -> None:
    (folder / "keys.json").write_text(text)
    with pytest.raises(CredentialsError, match=r"keys\.json: is damaged"):
        load(folder)


def test_load_says_how_keys_are_made(tmp_path) -> None:
    with pytest.raises(CredentialsError, match="make keys with: gammabox-firmware release keys"):
        load(tmp_path)

"""Credentials are made, changed and revoked in a folder that nobody else can read, and nothing secret leaves it."""

import re
import shutil
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from firmware_config.box import write_box
from firmware_config.broker import write_broker
from firmware_config.certificates import new_authority, new_key, now_utc, pem_of, pem_of_key
from firmware_config.credentials import create, promote, revoke, rotate
from firmware_config.errors import CredentialsError, FirmwareError
from firmware_config.ledger import endings, load_ledger, save_ledger
from firmware_config.own_authority import import_authority, take, take_list
from firmware_config.render import render_site
from firmware_config.site import Box, Broker, Site


@pytest.fixture
def docks() -> Site:
    boxes = tuple(Box(device=name, board="rpi4", camera="csi") for name in ("gate-1", "gate-2"))
    return Site(site="docks", broker=Broker(host="broker.lan"), boxes=boxes)


@pytest.fixture
def folder(tmp_path: Path, docks: Site) -> Path:
    create(tmp_path / "credentials", docks)
    return tmp_path / "credentials"


def on_the_list(folder: Path) -> set[int]:
    listed = x509.load_pem_x509_crl((folder / "crl.pem").read_bytes())
    return {entry.serial_number for entry in listed}


def serial(path: Path) -> int:
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


def test_create_makes_what_is_missing_and_keeps_the_rest(folder: Path, docks: Site) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert create(folder, docks) == []
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    third = Box(device="gate-3", board="rpi4", camera="csi")
    assert create(folder, docks.model_copy(update={"boxes": (*docks.boxes, third)})) == ["gate-3"]
    assert (folder / "boxes/gate-3/box.key").exists()


def test_create_keeps_everything_to_its_owner(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.name != "ledger.json":  # no secret
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_create_leaves_keys_to_the_boxes(tmp_path: Path, docks: Site) -> None:
    assert create(tmp_path / "c", docks, box_keys=False) == ["broker", "control-room", "administrator"]
    assert not list((tmp_path / "c").glob("boxes/*"))


def test_credentials_of_another_site_are_refused(folder: Path, docks: Site) -> None:
    other = docks.model_copy(update={"site": "pier"})
    for call in (lambda: create(folder, other), lambda: revoke(folder, other, "gate-1")):
        with pytest.raises(CredentialsError, match="of site docks, and not of pier"):
            call()


def test_damaged_credentials_are_named(folder: Path, docks: Site) -> None:
    (folder / "ledger.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CredentialsError, match=r"ledger\.json: .*restore it from a copy"):
        create(folder, docks)
    with pytest.raises(CredentialsError, match="holds no credentials"):
        revoke(folder / "none", docks, "gate-1")


def test_rotate_keeps_the_old_until_the_new_has_connected(folder: Path, docks: Site) -> None:
    box = folder / "boxes/gate-1"
    old = serial(box / "box.crt")
    assert rotate(folder, docks, ["gate-1"]) == ["gate-1"]
    assert serial(box / "box.crt") == old
    assert on_the_list(folder) == set()
    assert rotate(folder, docks, ["gate-1"]) == []  # the next one still waits
    new, ledger = serial(box / "next.crt"), load_ledger(folder)
    (current,), (waiting,) = ledger.of("gate-1", "current"), ledger.of("gate-1", "next")
    assert promote(folder, docks, {"gate-1": current.sha256, "gate-2": waiting.sha256}) == []
    assert promote(folder, docks, {"gate-1": waiting.sha256}) == ["gate-1"]
    assert (serial(box / "box.crt"), (box / "next.crt").exists(), (box / "next.key").exists()) == (new, False, False)
    assert on_the_list(folder) == {old}


def test_rotate_changes_broker_and_control_room_at_once(folder: Path, docks: Site) -> None:
    old = serial(folder / "broker/broker.crt")
    assert rotate(folder, docks, ["broker", "control-room"]) == ["broker", "control-room"]
    assert serial(folder / "broker/broker.crt") != old
    with pytest.raises(CredentialsError, match="gate-9: no box of site docks"):
        rotate(folder, docks, ["gate-9"])


def test_revoke_lists_the_current_and_the_next(folder: Path, docks: Site) -> None:
    rotate(folder, docks, ["gate-1"])
    both = {serial(folder / "boxes/gate-1" / name) for name in ("box.crt", "next.crt")}
    assert revoke(folder, docks, "gate-1") == 2
    assert on_the_list(folder) == both
    assert revoke(folder, docks, "gate-1") == 0
    with pytest.raises(CredentialsError, match="no certificate that could be revoked"):
        revoke(folder, docks, "gate-9")
    assert create(folder, docks) == ["gate-1"]  # found again: it may join with a new key


def test_revoke_reaches_a_box_that_left_the_site_file(folder: Path, docks: Site) -> None:
    left = docks.model_copy(update={"boxes": docks.boxes[:1]})
    assert revoke(folder, left, "gate-2") == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_take_signs_a_request_made_as_the_readme_says(tmp_path: Path, docks: Site) -> None:
    folder = tmp_path / "c"
    create(folder, docks, box_keys=False)
    command = re.search(r"^    (openssl req .*)$", render_site(docks)["README.txt"], re.MULTILINE)
    assert command is not None
    script = command[1].replace("<device>", "gate-1")
    subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, capture_output=True, check=True)
    path = take(folder, docks, "gate-1", tmp_path / "box.csr")
    assert path == folder / "boxes/gate-1/box.crt"
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", str(folder / "ca.crt"), str(path)]
    subprocess.run(verify, capture_output=True, check=True)
    assert take(folder, docks, "gate-1", tmp_path / "box.csr").name == "next.crt"
    write_box(tmp_path / "out", docks, "gate-1", folder)
    assert not (tmp_path / "out/box.key").exists()


def test_import_authority_signs_with_its_key(tmp_path: Path, docks: Site) -> None:
    own = new_authority("corp", now_utc())
    (tmp_path / "corp.crt").write_text(pem_of(own.certificate), encoding="ascii")
    (tmp_path / "corp.key").write_text(pem_of_key(own.signing_key()), encoding="ascii")
    imported = import_authority(tmp_path / "corp.crt", tmp_path / "corp.key")
    assert create(tmp_path / "c", docks, own=imported) == [
        "broker",
        "control-room",
        "administrator",
        "gate-1",
        "gate-2",
    ]
    with pytest.raises(CredentialsError, match="has an authority already"):
        create(tmp_path / "c", docks, own=imported)
    box = x509.load_pem_x509_certificate((tmp_path / "c/boxes/gate-1/box.crt").read_bytes())
    box.verify_directly_issued_by(own.certificate)
    (tmp_path / "corp.key").write_text(pem_of_key(new_key()), encoding="ascii")
    with pytest.raises(CredentialsError, match="is not the key of"):
        import_authority(tmp_path / "corp.crt", tmp_path / "corp.key")
    with pytest.raises(CredentialsError, match="may sign no others"):
        import_authority(tmp_path / "c/boxes/gate-1/box.crt")


def test_take_accepts_what_an_own_authority_has_signed(tmp_path: Path, folder: Path, docks: Site) -> None:
    theirs = tmp_path / "c"
    (tmp_path / "corp.crt").write_bytes((folder / "ca.crt").read_bytes())
    assert create(theirs, docks, own=import_authority(tmp_path / "corp.crt")) == []
    for name, stem in (("broker", "broker/broker"), ("gate-1", "boxes/gate-1/box")):
        path = take(theirs, docks, name, folder / f"{stem}.crt", key=folder / f"{stem}.key")
        assert path.read_bytes() == (folder / f"{stem}.crt").read_bytes()
    with pytest.raises(CredentialsError, match="is for 'gate-1', and not for gate-2"):
        take(theirs, docks, "gate-2", folder / "boxes/gate-1/box.crt")
    with pytest.raises(CredentialsError, match="key of the authority is not here"):
        revoke(theirs, docks, "gate-1")
    revoke(folder, docks, "gate-1")
    assert take_list(theirs, docks, folder / "crl.pem") == 1
    assert load_ledger(theirs).of("gate-1", "revoked")


def test_endings_warn_60_days_before(folder: Path) -> None:
    ledger, now = load_ledger(folder), now_utc()
    assert list(endings(ledger, now)) == []
    said = list(endings(ledger, now + timedelta(days=825 - 59)))
    assert [each.partition(" ends on ")[0] for each in said] == [
        "the certificate of broker",
        "the certificate of control-room",
        "the certificate of administrator",
    ]
    late = " ".join(endings(ledger, now + timedelta(days=3651)))
    assert "the authority of site docks ended" in late
    assert "the revocation list ended" in late


def test_nothing_secret_leaves_the_credentials(tmp_path: Path, folder: Path, docks: Site) -> None:
    rotate(folder, docks, ["gate-1"])
    write_broker(tmp_path / "broker", docks, folder)
    write_box(tmp_path / "gate-1", docks, "gate-1", folder)
    keys = set(tmp_path.rglob("*.key"))
    secret = {line for key in keys for line in key.read_text(encoding="ascii").splitlines() if "-----" not in line}
    assert len(keys) == 7 + 3
    for path in keys:
        assert not path.stat().st_mode & 0o077, path
    elsewhere = [
        path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file() and path not in keys
    ]
    elsewhere += [*render_site(docks).values()]
    assert not [text for text in elsewhere if "PRIVATE KEY" in text or any(line in text for line in secret)]


def test_write_box_names_what_is_missing(tmp_path: Path, folder: Path, docks: Site) -> None:
    with pytest.raises(FirmwareError, match="gate-9: no box of site docks"):
        write_box(tmp_path / "out", docks, "gate-9", folder)
    fourth = docks.model_copy(update={"boxes": (Box(device="gate-4", board="pc", camera="/a.avi"),)})
    with pytest.raises(CredentialsError, match="gate-4 has no certificate; make a new one with"):
        write_box(tmp_path / "out", fourth, "gate-4", folder)


def test_revoke_spares_the_broker(folder: Path, docks: Site) -> None:
    with pytest.raises(CredentialsError, match="rotate SITE broker"):
        revoke(folder, docks, "broker")
    assert load_ledger(folder).of("broker", "current")


def test_revoked_certificates_are_not_handed_out(tmp_path: Path, folder: Path, docks: Site) -> None:
    revoke(folder, docks, "gate-1")
    with pytest.raises(CredentialsError, match="the certificate of gate-1 is revoked; make a new one"):
        write_box(tmp_path / "out", docks, "gate-1", folder)
    ledger = load_ledger(folder)
    (own,) = ledger.of("broker", "current")
    save_ledger(folder, ledger.with_states({own.serial: "revoked"}, now_utc()))
    with pytest.raises(CredentialsError, match="the certificate of broker is revoked"):
        write_broker(tmp_path / "broker", docks, folder)


def test_write_box_leaves_out_a_revoked_next_certificate(tmp_path: Path, folder: Path, docks: Site) -> None:
    rotate(folder, docks, ["gate-1"])
    write_box(tmp_path / "before", docks, "gate-1", folder)
    revoke(folder, docks, "gate-1")
    create(folder, docks)
    write_box(tmp_path / "after", docks, "gate-1", folder)
    held = [{path.name for path in (tmp_path / name).iterdir()} for name in ("before", "after")]
    assert held[0] - held[1] == {"next.crt", "next.key"}

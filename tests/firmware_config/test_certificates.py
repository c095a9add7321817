"""Certificates of a site are taken by this and newer Pythons, and requests only if they are sound and for that box."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from firmware_config.certificates import (
    Authority,
    issued,
    key_of_request,
    new_authority,
    new_key,
    now_utc,
    pem_of,
    pem_of_key,
    revocation_list,
)
from firmware_config.errors import CredentialsError


def other_pythons() -> list[str]:
    """Return the Pythons of this machine, one a version, the newest last."""
    root = os.environ.get("PYENV_ROOT", "")
    found = {}
    for minor in range(10, 20):
        for name in [*map(str, Path(root).glob(f"versions/3.{minor}.*/bin/python3")), f"python3.{minor}"]:
            path = shutil.which(name)
            if path and not subprocess.run([path, "-V"], capture_output=True, check=False).returncode:
                found[minor] = path
                break
    return [*found.values()] or [sys.executable]


PYTHONS = other_pythons()
CLIENT = """
import socket, ssl, sys
ca, cert, key, host, port = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.verify_flags |= ssl.VERIFY_X509_STRICT
context.load_cert_chain(cert, key)
with socket.create_connection(("127.0.0.1", int(port)), 10) as plain:
    with context.wrap_socket(plain, server_hostname=host) as secured:
        print(secured.recv(5).decode())
"""


def write_pair(folder: Path, name: str, authority: Authority, role: str, subject: str) -> None:
    key = new_key()
    certificate = issued(authority, role, subject, key.public_key(), now_utc())
    (folder / f"{name}.crt").write_text(pem_of(certificate), encoding="ascii")
    (folder / f"{name}.key").write_text(pem_of_key(key), encoding="ascii")


def strict_context(folder: Path, purpose: ssl.Purpose, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(purpose, cafile=str(folder / "ca.crt"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_CRL_CHECK_LEAF
    context.load_verify_locations(folder / "crl.pem")
    context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return context


def written(folder: Path, host: str, *, revoked: bool = False) -> Authority:
    authority = new_authority("docks", now_utc())
    (folder / "ca.crt").write_text(pem_of(authority.certificate), encoding="ascii")
    write_pair(folder, "broker", authority, "broker", host)
    write_pair(folder, "box", authority, "box", "gate-1")
    box = x509.load_pem_x509_certificate((folder / "box.crt").read_bytes())
    gone = {box.serial_number: now_utc()} if revoked else {}
    (folder / "crl.pem").write_text(revocation_list(authority, gone, 1, now_utc()), encoding="ascii")
    return authority


def greet_one(folder: Path, server: socket.socket, said: list[str]) -> None:
    context = strict_context(folder, ssl.Purpose.CLIENT_AUTH, "broker")
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        with server.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as secured:
            subject = dict(part[0] for part in secured.getpeercert()["subject"])
            secured.sendall(b"hello")
            said.append(subject["commonName"])
    except OSError as error:
        said.append(str(error))


@pytest.mark.parametrize("python", PYTHONS)
def test_certificates_pass_strict_checks_of_all_pythons(tmp_path: Path, python: str) -> None:
    greet(tmp_path, python, "broker.lan")


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7", "a." * 60 + "long.example"])
def test_broker_certificate_holds_any_host(tmp_path: Path, host: str) -> None:
    greet(tmp_path, PYTHONS[-1], host)


def greet(tmp_path: Path, python: str, host: str) -> None:
    written(tmp_path, host)
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet_one, args=(tmp_path, server, said))
        thread.start()
        files = [tmp_path / "ca.crt", tmp_path / "box.crt", tmp_path / "box.key"]
        command = [python, "-c", CLIENT, *map(str, files), host, str(server.getsockname()[1])]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        thread.join(10)
    assert (ran.stdout, said) == ("hello\n", ["gate-1"]), ran.stderr


def refusal(folder: Path, seen_by_the_box: str) -> str:
    """Connect with the certificate of the box, which has to be refused, and return what the broker says of it."""
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet_one, args=(folder, server, said))
        thread.start()
        context = strict_context(folder, ssl.Purpose.SERVER_AUTH, "box")
        with (
            socket.create_connection(server.getsockname()) as plain,
            pytest.raises(OSError, match=seen_by_the_box),
            context.wrap_socket(plain, server_hostname="broker.lan") as secured,
        ):
            secured.recv(5)
        thread.join(10)
    return said[0]


def test_revoked_certificate_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "broker.lan", revoked=True)
    assert "revoked" in refusal(tmp_path, "revoked")


def test_broker_certificate_opens_no_client(tmp_path: Path) -> None:
    authority = written(tmp_path, "broker.lan")
    write_pair(tmp_path, "box", authority, "broker", "gate-1")
    assert "unsuitable certificate purpose" in refusal(tmp_path, "certificate")


def test_certificate_ends_with_its_authority() -> None:
    authority = new_authority("docks", now_utc() - timedelta(days=3600))
    end = authority.certificate.not_valid_after_utc
    assert issued(authority, "box", "gate-1", new_key().public_key(), now_utc()).not_valid_after_utc == end
    with pytest.raises(CredentialsError, match="authority ended"):
        issued(authority, "box", "gate-1", new_key().public_key(), end)


def request(name: str, key: object) -> bytes:
    builder = x509.CertificateSigningRequestBuilder()
    builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_key_of_request_returns_the_key_of_the_box() -> None:
    key = new_key()
    assert key_of_request(request("gate-1", key), "gate-1") == key.public_key()


@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("gate-2", ec.generate_private_key(ec.SECP256R1()), "is for 'gate-2', and not for gate-1"),
        ("gate-1", ec.generate_private_key(ec.SECP192R1()), "P-256"),
        ("gate-1", rsa.generate_private_key(65537, 2048), "P-256"),
    ],
)
def test_key_of_request_refuses_other_names_and_keys(name: str, key: object, said: str) -> None:
    with pytest.raises(CredentialsError, match=said):
        key_of_request(request(name, key), "gate-1")


def test_key_of_request_refuses_a_changed_request() -> None:
    lines = request("gate-1", new_key()).splitlines()
    body = lines[2]
    lines[2] = body[:10] + (b"A" if body[10:11] != b"A" else b"B") + body[11:]
    for damaged in (b"\n".join(lines), b"no request", b"-----BEGIN CERTIFICATE REQUEST-----"):
        with pytest.raises(CredentialsError):
            key_of_request(damaged, "gate-1")

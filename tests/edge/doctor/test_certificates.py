import ssl
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.doctor.broker import ending
from edge.doctor.certificates import end_of, ends_of_file


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")

    def make(days):
        path = folder / f"{days}.pem"
        words = (
            f"req -x509 -newkey rsa:2048 -nodes -subj /CN=test -days {days} -keyout {folder / 'key.pem'} -out {path}"
        )
        subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
        return path

    return make


@pytest.mark.parametrize("days", [10, 20_000], ids=["UTCTime", "GeneralizedTime"])
def test_end_is_that_of_openssl(certificate, days):
    path = certificate(days)
    told = subprocess.run(
        ["openssl", "x509", "-in", str(path), "-noout", "-enddate"], check=True, capture_output=True, text=True
    ).stdout
    expected = datetime.strptime(told.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=timezone.utc)
    assert ends_of_file(path) == [expected]


def test_ends_of_a_chain_are_all_read(certificate, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_text(certificate(10).read_text() + certificate(20_000).read_text())
    assert len(ends_of_file(chain)) == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_damaged_certificate_is_a_value_error(certificate, tmp_path, damage):
    der = ssl.PEM_cert_to_DER_cert(certificate(10).read_text())
    path = tmp_path / "damaged.pem"
    content = {"cut": ssl.DER_cert_to_PEM_cert(der[:60]), "empty": "", "text": ssl.DER_cert_to_PEM_cert(b"hello there")}
    path.write_text(content[damage])
    with pytest.raises(ValueError, match="certificate"):
        ends_of_file(path)


@settings(max_examples=200)
@given(st.binary(max_size=80))
def test_end_of_any_bytes_is_a_value_error(der):
    with pytest.raises(ValueError, match="certificate"):
        end_of(b"\x30" + der)


@pytest.mark.parametrize(("days", "state"), [(-1, "fault"), (10, "fault"), (40, "ok")])
def test_certificate_has_to_last(days, state):
    found = ending("authority", datetime.now(timezone.utc) + timedelta(days=days, minutes=1), "renew it")
    assert found.state == state
    assert bool(found.remedy) == (state == "fault")

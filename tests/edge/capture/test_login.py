import base64
import hashlib

import pytest

from edge.capture.login import Login, Request, answer_to, as_header, challenges_in, is_stale

RFC = Request("/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
MUFASA = Login("Mufasa", "Circle of Life")
NONCE = 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'


def fields_of(answer):
    return dict(part.split("=", 1) for part in answer.removeprefix("Digest ").split(", "))


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_answer_is_that_of_rfc_7616(algorithm, response):
    line = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, {NONCE}, opaque="FQhe/q"'
    )
    answer = answer_to(challenges_in([line]), MUFASA, RFC)
    fields = fields_of(answer)
    assert fields["response"] == f'"{response}"'
    assert (fields["qop"], fields["nc"], fields["algorithm"]) == ("auth", "00000001", algorithm)
    assert fields["opaque"] == '"FQhe/q"'


@pytest.mark.parametrize(
    "line",
    [
        'Digest realm="cam", nonce="n"',
        "digest  realm=cam , nonce = n",
        'Digest realm="cam", nonce="n", algorithm="MD5", domain="/", stale=FALSE',
    ],
)
def test_answer_without_qop_is_that_of_rfc_2069(line):
    fields = fields_of(answer_to(challenges_in([line]), Login("u", "p"), Request("/v", "c")))
    assert fields["response"] == f'"{md5(md5("u:cam:p") + ":n:" + md5("GET:/v"))}"'
    assert "nc" not in fields


@pytest.mark.parametrize("qop", ['"auth-int, auth"', '"auth-int,auth"', "auth", '"AUTH"', '"token, auth"'])
def test_answer_chooses_auth_from_a_list(qop):
    answer = answer_to(challenges_in([f'Digest realm="cam", nonce="n", qop={qop}']), MUFASA, RFC)
    assert "qop=auth," in answer


def test_answer_with_integrity_covers_the_empty_body():
    line = 'Digest realm="cam", nonce="n", qop="auth-int"'
    fields = fields_of(answer_to(challenges_in([line]), Login("u", "p"), Request("/v", "c")))
    expected = md5(":".join([md5("u:cam:p"), "n:00000001:c:auth-int", md5(f"GET:/v:{md5('')}")]))
    assert fields["response"] == f'"{expected}"'


def test_answer_of_a_session_hashes_its_nonces():
    line = 'Digest realm="cam", nonce="n", algorithm=MD5-sess, qop="auth"'
    fields = fields_of(answer_to(challenges_in([line]), Login("u", "p"), Request("/v", "c")))
    secret = md5(f"{md5('u:cam:p')}:n:c")
    asked = md5("GET:/v")
    assert fields["response"] == '"' + md5(f"{secret}:n:00000001:c:auth:{asked}") + '"'


@pytest.mark.parametrize(
    "lines",
    [
        [
            'Basic realm="x"',
            'Digest realm="c", nonce="1", algorithm=MD5',
            'Digest realm="c", nonce="2", algorithm=SHA-256',
        ],
        ['Digest realm="c", nonce="2", algorithm=SHA-256, Digest realm="c", nonce="1", Basic realm="a, b"'],
        [
            'Negotiate, NTLM TlRMTVNTUAAB==, Digest realm="c, Basic", nonce="2", algorithm="sha-256"',
            "Digest algorithm=MD5",
        ],
    ],
)
def test_answer_goes_to_the_strongest_of_several(lines):
    assert 'nonce="2"' in answer_to(challenges_in(lines), MUFASA, RFC)


def test_answer_is_basic_where_digest_is_unknown():
    lines = ['Digest realm="c", nonce="1", algorithm=SHA-3, Basic realm="c"']
    answer = answer_to(challenges_in(lines), Login("josé", "ß€"), RFC)
    assert base64.b64decode(answer.removeprefix("Basic ")).decode() == "josé:ß€"


def test_answer_without_an_offer_is_basic():
    assert answer_to([], Login("u", "p"), RFC) == "Basic " + base64.b64encode(b"u:p").decode()


@pytest.mark.parametrize("realm", ["Kamera Süd".encode(), "Kamera Süd".encode("latin-1")])
def test_answer_returns_the_realm_as_it_came(realm):
    line = b'Digest realm="%s", nonce="n", qop=""' % realm
    header = as_header(answer_to(challenges_in([line.decode("latin-1")]), Login("u", "p"), Request("/v", "c")))
    sent = fields_of(header.encode("latin-1").decode("latin-1"))
    assert sent["realm"].strip('"').encode("latin-1") == realm
    secret = hashlib.md5(b"u:" + realm + b":p", usedforsecurity=False).hexdigest()
    asked = md5("GET:/v")
    assert sent["response"] == '"' + md5(f"{secret}:n:{asked}") + '"'


@pytest.mark.parametrize("lines", [["NTLM"], ['Digest realm="c"'], ['Digest nonce="n", qop="token"']])
def test_answer_is_none_where_nothing_is_known(lines):
    assert answer_to(challenges_in(lines), MUFASA, RFC) is None


def test_answer_escapes_quotes_and_hashes_names_if_asked():
    line = r'Digest realm="the \"cam\"", nonce="n", userhash=true'
    answer = answer_to(challenges_in([line]), Login("ü", "p"), Request("/v", "c"))
    assert f'username="{md5(chr(252) + ":the " + chr(34) + "cam" + chr(34))}"' in answer
    assert r'realm="the \"cam\""' in answer
    assert "userhash=true" in answer


def test_stale_nonces_are_told_from_refused_logins():
    assert is_stale(challenges_in(['Digest realm="c", nonce="1", stale=TRUE']))
    assert not is_stale(challenges_in(['Digest realm="c", nonce="1", stale=false']))


def test_login_does_not_show_its_password():
    assert "Circle" not in repr(MUFASA)

"""People sign in by the word of an OpenID Connect issuer, where one is configured."""

from __future__ import annotations

import base64
import hmac
from datetime import timedelta

import jwt
import pytest
from falcon.testing import TestClient

from service.api.app import create_app
from service.domain.id_tokens import Trusted
from service.store import issuers as store_issuers
from service.store.issuers import Issuer
from service.usecases import hashing
from service.usecases.identity import Identity
from tests.conftest import NOW
from tests.integration import issuers
from tests.integration.issuers import AUDIENCE
from tests.integration.sign_ins import IDENTITY, KEYS, NUMBERS, Person

FIRST = "first of many words"
MINUTE = timedelta(minutes=1)


def code(result):
    return result.status_code, (result.json or {}).get("code")


@pytest.fixture
def issuer():
    with issuers.running() as issuer:
        yield issuer


@pytest.fixture
def trusting(issuer):
    """What the API knows of the issuer."""
    trusted = Trusted(issuer=issuer.url, audience=AUDIENCE)
    return Issuer(trusted=trusted, jwks_url=f"{issuer.url}/keys")


@pytest.fixture
def client(database, trusting):
    identity = Identity(keys=KEYS, hashing=IDENTITY.hashing, issuer=trusting)
    app = create_app(
        database=database, identity=identity, clock=lambda: NOW, deadline_s=20, host="a",
        version="1",
    )  # fmt: skip
    return TestClient(app)


@pytest.fixture
def subject():
    return f"person-{next(NUMBERS)}@issuer"


@pytest.fixture
def clerk(client, token, subject):
    """A hall clerk of bureau 1 whom the issuer knows as `subject`."""
    return Person.added(
        client,
        token("administrator", None),
        role="hall_clerk",
        bureau=1,
        password=FIRST,
        oidc_subject=subject,
    )


@pytest.fixture
def sign_in(client):
    def tried(id_token, key=None, **more):
        sent = {"id_token": id_token} | more
        return Person(client, "").post("/v1/sessions/oidc", None, key=key, json=sent)

    return tried


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_whom_the_issuer_names_is_signed_in(issuer, clerk, subject, sign_in, key):
    answered = sign_in(issuer.id_token(subject, now=NOW, key=key))

    assert (answered.status_code, answered.json["user_name"]) == (201, clerk.user_name)
    # Their password is still the first one, which they need not know.
    assert answered.json["must_change_password"] is False
    assert clerk.prices(answered.json["access_token"]).status_code == 200


def test_whom_the_issuer_vouches_for_needs_no_password(issuer, client, token, subject, sign_in):
    reader = Person.added(
        client, token("administrator", None), role="reader", bureau=1, oidc_subject=subject
    )

    assert sign_in(issuer.id_token(subject, now=NOW)).json["must_change_password"] is False
    assert code(reader.sign_in("whatever it may be")) == (401, "SIGN_IN_REFUSED")
    assert code(reader.sign_in(hashing._NOBODYS)) == (401, "SIGN_IN_REFUSED")


def test_it_is_remembered_that_the_issuer_vouched(issuer, clerk, subject, sign_in, migrated):
    sign_in(issuer.id_token(subject, now=NOW))

    [(kind,)] = migrated.superuser(
        "SELECT kind FROM evergrid.staff_event JOIN evergrid.principal USING (principal_id) "
        f"WHERE name = '{clerk.user_name}' ORDER BY event_id DESC LIMIT 1"
    )
    assert kind == "signed_in_by_issuer"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "http://another.example"},
        {"aud": "another"},
        {"aud": ["another", AUDIENCE]},
        {"aud": [AUDIENCE, "another"], "azp": "another"},
        {"exp": NOW - MINUTE},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW - 11 * MINUTE},
        {"iat": NOW + 2 * MINUTE},
        {"iat": None},
        {"iss": None},
        {"aud": None},
        {"nonce": "given for another sign-in"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(issuer, subject, clerk, sign_in, changed):
    claims = {"nonce": "n-1"} | changed
    id_token = issuer.id_token(subject, now=NOW, **claims)

    assert code(sign_in(id_token, nonce="n-1")) == (401, "ID_TOKEN_REFUSED")


@pytest.mark.parametrize("nonce", ["n-1", "一次性", "\U0001f4a1"])
def test_a_token_with_our_nonce_is_accepted(issuer, subject, clerk, sign_in, nonce):
    id_token = issuer.id_token(subject, now=NOW, nonce=nonce)

    assert sign_in(id_token, nonce=nonce).status_code == 201
    assert code(sign_in(id_token, nonce=nonce + "é")) == (401, "ID_TOKEN_REFUSED")


def forged(issuer, subject, kind):
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": subject, "iat": NOW, "exp": NOW + MINUTE}
    if kind == "unsigned":
        return jwt.encode(claims, None, algorithm="none", headers={"kid": "ec"})
    if kind == "signed with what everybody can read":
        head = jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": "rsa"})
        signed, _, _ = head.rpartition(".")
        made = hmac.digest(issuer.public_pem("rsa"), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
    if kind == "signed with another key under a known name":
        issuer.add("stranger")
        issuer.published.remove("stranger")
        stranger = issuer.private.pop("stranger")
        return jwt.encode(claims, stranger, algorithm="ES256", headers={"kid": "ec"})
    if kind == "signed with a key that is not published":
        issuer.add("secret")
        issuer.published.remove("secret")
        return issuer.id_token(subject, now=NOW, key="secret")
    return "no token at all"


@pytest.mark.parametrize(
    "kind",
    [
        "unsigned",
        "signed with what everybody can read",
        "signed with another key under a known name",
        "signed with a key that is not published",
        "nonsense",
    ],
)
def test_what_the_issuer_did_not_sign_is_refused(issuer, subject, clerk, sign_in, kind):
    assert code(sign_in(forged(issuer, subject, kind))) == (401, "ID_TOKEN_REFUSED")


def test_whom_nobody_here_knows_is_not_signed_in(issuer, sign_in):
    assert code(sign_in(issuer.id_token("a stranger", now=NOW))) == (401, "SIGN_IN_REFUSED")


def test_who_is_locked_out_here_stays_out_whatever_the_issuer_says(
    issuer, subject, clerk, sign_in, token
):
    clerk.post(f"/v1/staff/{clerk.user_name}/locks", token("administrator", None))

    assert code(sign_in(issuer.id_token(subject, now=NOW))) == (403, "SIGN_IN_LOCKED")


def test_what_the_issuer_says_is_counted_by_what_becomes_of_it(
    issuer, subject, clerk, sign_in, counted
):
    sign_in(issuer.id_token(subject, now=NOW))
    sign_in("no.token.at-all")
    sign_in(issuer.id_token("a stranger", now=NOW))

    assert counted() == {("issuer", "ok"): 1, ("issuer", "wrong"): 2}


def test_the_issuer_s_keys_are_fetched_once_for_many_sign_ins(issuer, subject, clerk, sign_in):
    for key in ("rsa", "ec", "ec"):
        assert sign_in(issuer.id_token(subject, now=NOW, key=key)).status_code == 201

    assert issuer.asked == 1


def test_made_up_keys_do_not_make_us_ask_the_issuer_each_time(issuer, subject, clerk, sign_in):
    issuer.add("secret")
    issuer.published.remove("secret")
    for _ in range(5):
        sign_in(issuer.id_token(subject, now=NOW, key="secret"))

    assert issuer.asked == 1


def test_a_new_key_of_the_issuer_is_found(issuer, subject, clerk, sign_in, monkeypatch):
    assert sign_in(issuer.id_token(subject, now=NOW)).status_code == 201
    issuer.add("next year's")
    monkeypatch.setattr(store_issuers, "_ASKED_EVERY_S", 0.0)

    assert sign_in(issuer.id_token(subject, now=NOW, key="next year's")).status_code == 201


def test_a_key_that_the_issuer_withdrew_is_refused(issuer, subject, clerk, sign_in, monkeypatch):
    assert sign_in(issuer.id_token(subject, now=NOW)).status_code == 201
    issuer.published.remove("ec")
    monkeypatch.setattr(store_issuers, "_KEPT_S", 0.0)
    monkeypatch.setattr(store_issuers, "_ASKED_EVERY_S", 0.0)

    assert code(sign_in(issuer.id_token(subject, now=NOW))) == (401, "ID_TOKEN_REFUSED")


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b"<html>", b'{"keys": [{"kty": "RSA"}]}'])
def test_an_issuer_that_answers_nonsense_is_away(issuer, subject, clerk, sign_in, answer):
    id_token = issuer.id_token(subject, now=NOW)
    issuer.answer = answer

    assert code(sign_in(id_token)) == (503, "ISSUER_AWAY")
    assert code(sign_in(id_token)) == (503, "ISSUER_AWAY")
    assert issuer.asked == 1  # not asked again at once


def test_an_issuer_that_does_not_answer_is_away(subject, issuer, trusting, sign_in):
    trusting._jwks_url = "http://127.0.0.1:1/keys"

    assert code(sign_in(issuer.id_token(subject, now=NOW))) == (503, "ISSUER_AWAY")


def test_an_issuer_vouches_only_where_one_is_configured(database, issuer, subject, clock, counted):
    app = create_app(
        database=database, identity=IDENTITY, clock=clock, deadline_s=20, host="a", version="1"
    )
    sent = {"id_token": issuer.id_token(subject, now=NOW)}
    answered = Person(TestClient(app), "").post("/v1/sessions/oidc", None, json=sent)

    assert code(answered) == (404, "OIDC_OFF")
    assert counted() == {("issuer", "other"): 1}

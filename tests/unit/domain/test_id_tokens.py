"""What an ID token may be signed with."""

from __future__ import annotations

import base64

import jwt
import pytest

from service.domain.id_tokens import IdTokenRefused, key_id


@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "none"])
def test_a_signature_that_others_can_make_is_refused_before_any_key_is_looked_for(algorithm):
    key = None if algorithm == "none" else "k" * 64
    id_token = jwt.encode({"sub": "li"}, key, algorithm=algorithm, headers={"kid": "1"})

    with pytest.raises(IdTokenRefused, match=algorithm):
        key_id(id_token)


@pytest.mark.parametrize(
    "header", ["", "[]", "{", '{"alg":', '{"alg": [', '{"alg": 1}', '{"x":' + "[" * 5_000]
)
def test_what_has_no_header_is_no_token(header):
    encoded = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")

    with pytest.raises(IdTokenRefused):
        key_id(f"{encoded}.e30.c2ln")

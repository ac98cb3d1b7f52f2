"""The API's description: valid, complete, kept."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import secrets
from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.api.app import BUSINESS, PROBES, create_app, description
from service.api.app import IDENTITY as PEOPLE
from service.domain.permissions import OPERATIONS, Reach
from service.domain.principals import Role
from service.usecases.principals import issue_token
from tests.integration.sign_ins import IDENTITY

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
# For each operation: what is found at once, in seconds; `make fuzz` asks for more, as every role.
EXAMPLES_MAX = int(os.environ.get("EVERGRID_EXAMPLES", "15"))
IS_DEEP = "EVERGRID_EXAMPLES" in os.environ
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def asking(permission):
    """The roles that may, each with its reach: all of them, or one for all."""
    if permission is None:
        return [(Role.AUDITOR, Reach.ANY)]
    reaches = sorted(OPERATIONS[permission].items())
    return reaches if IS_DEEP else reaches[:1]


QUESTIONS = [
    (method, path, role, reach)
    for path, methods in description(version="1")["paths"].items()
    for method, operation in methods.items()
    for role, reach in asking(operation.get("x-permission"))
]


@pytest.fixture(scope="module")
def document():
    return description(version="1.2.3")


def test_every_route_is_described(document):
    described = set(document["paths"])
    assert described == {path.replace(":int", "") for path in (*BUSINESS, *PEOPLE, *PROBES)}


def test_every_reference_leads_somewhere(document):
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_act_asks_for_its_key_and_shows_an_example(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            keys = [
                p for p in operation["parameters"] if p.get("$ref", "").endswith("IdempotencyKey")
            ]
            assert len(keys) == (method in {"post", "delete"}), path
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert content["example"] is not None, path


def test_operation_ids_are_unique(document):
    found = [op["operationId"] for methods in document["paths"].values() for op in methods.values()]
    assert len(found) == len(set(found))


def test_the_served_document_is_the_described_one(client, document):
    assert client.simulate_get("/openapi.json").json == json.loads(json.dumps(document))


def test_the_docs_page_needs_nothing_from_outside(client):
    page = client.simulate_get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r"(?:href|src)=[\"']([^\"']+)", page.text)
    assert {link for link in links if not link.startswith("#")} == {
        "/docs/style.css",
        "/openapi.json",
    }
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    style = client.simulate_get("/docs/style.css")
    assert style.status_code == 200
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_the_bare_address_leads_to_the_docs_page(client):
    answer = client.simulate_get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/docs")


def test_the_docs_page_explains_every_code_that_a_problem_can_link_to(client):
    page = client.simulate_get("/docs").text
    problem = client.simulate_get("/v1/prices").json
    assert f'id="{problem["type"].partition("#")[2]}"' in page
    for code in ("ROUTE_UNKNOWN", "METHOD_NOT_ALLOWED", "REQUEST_MALFORMED", "INTERNAL_ERROR"):
        assert f'id="{code}"' in page


@pytest.fixture(scope="module")
def app(database):
    return create_app(
        database=database,
        identity=IDENTITY,
        clock=lambda: NOW,
        deadline_s=20,
        host="app1",
        version="1",
    )


def table(line):
    """A file of one line, which may have what no column can be named after."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    known = line if isinstance(line, dict) else {"account_no": line}
    rows.writerow(known)
    rows.writerow(known.values())
    return text.getvalue().encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def description_read(app):
    schemathesis.serializer("application/x-ndjson")(
        lambda _context, line: json.dumps(line).encode()
    )
    schemathesis.serializer("text/csv")(lambda _context, line: table(line))
    read = schemathesis.openapi.from_wsgi("/openapi.json", app)
    read.validate()  # against the schema of OpenAPI 3.1
    return read


@pytest.fixture
def authorization(owner_database, caller, deadline):
    def made(role, bureau):
        token = issue_token(
            database=owner_database,
            name=caller(role, bureau).name,
            days=1,
            make_secret=lambda: secrets.token_urlsafe(32),
            now=NOW,
            deadline=deadline,
        )
        return {"Authorization": f"Bearer {token}"}

    return made


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("method", "path", "role", "reach"), QUESTIONS)
def test_no_request_makes_the_service_fail_or_answer_otherwise_than_described(
    description_read, authorization, method, path, role, reach, mode
):
    """Data made up from each operation's schema, fitting it or not: never a 5xx."""
    operation = description_read[path][method.upper()]
    headers = authorization(role, 1 if reach is Reach.OWN else None)

    @settings(
        max_examples=EXAMPLES_MAX,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        derandomize=not IS_DEEP,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def check(case):
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)

    check()

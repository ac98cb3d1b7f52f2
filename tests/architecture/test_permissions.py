"""No route without a row in the authorisation matrix, no row without a route or a check."""

from __future__ import annotations

import ast

import pytest

from service.api import app
from service.api.operations import of
from service.domain.permissions import OPERATIONS, Reach

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
# What nobody needs a token for: signing in, probes, the description of it all.
PUBLIC = {
    "POST /v1/sessions",
    "POST /v1/sessions/oidc",
    "GET /live",
    "GET /ready",
    "GET /version",
    "GET /metrics",
    "GET /openapi.json",
    "GET /",
    "GET /docs",
    "GET /docs/style.css",
}


class Added:
    """Stands where the application would: it is told every route."""

    def __init__(self):
        self.routes = {}

    def __call__(self, **_options):
        return self

    def add_route(self, path, resource):
        self.routes[path] = resource

    def add_error_handler(self, *_):
        pass


def routes(planted=None):
    """Every (method, path, resource, responder) that the application really answers."""
    added = Added()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.falcon, "App", type("App", (), {
            "__class_getitem__": classmethod(lambda cls, *_: cls),
            "__new__": lambda *_, **__: added,
        }))  # fmt: skip
        if planted:
            patch.setattr(app, "BUSINESS", {**app.BUSINESS, **planted})
        nothing = type("Nothing", (), {"__getattr__": lambda self, _: self})()
        app.create_app(
            database=nothing, identity=nothing, clock=nothing, deadline_s=1, host="", version=""
        )
    for path, resource in added.routes.items():
        for method in METHODS:
            responder = getattr(resource, f"on_{method}", None)
            if responder is not None:
                yield f"{method.upper()} {path}", resource, responder


def without_a_row(planted=None):
    for route, resource, responder in routes(planted):
        operation = of(responder)
        is_public = getattr(resource, "is_public", False)
        named = None if operation is None else operation.permission
        has_row = named in OPERATIONS
        if is_public != (route in PUBLIC) or is_public == has_row or is_public != (named is None):
            yield route


def test_every_route_has_a_row_or_is_public_on_purpose():
    assert list(without_a_row()) == []


def test_what_is_public_is_there():
    assert {route for route, _, _ in routes()} >= PUBLIC


def test_a_planted_route_without_a_row_is_reported():
    class Planted:
        def __init__(self, **_):
            pass

        def on_get(self, req, resp):
            pass

    class PlantedPublic(Planted):
        is_public = True

    planted = {"/v1/planted": Planted, "/v1/planted-public": PlantedPublic}
    assert list(without_a_row(planted)) == ["GET /v1/planted", "GET /v1/planted-public"]


def test_every_row_is_the_permission_of_a_route():
    named = {of(responder).permission for _, _, responder in routes() if of(responder)}
    assert set(OPERATIONS) == named - {None}


def test_every_row_is_checked_by_a_use_case(modules):
    checked = {
        argument.value
        for module in modules
        if module.is_in("service/usecases")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "check"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    assert checked == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_row_lets_somebody_pass(operation):
    assert set(OPERATIONS[operation].values()) <= set(Reach)
    assert OPERATIONS[operation]

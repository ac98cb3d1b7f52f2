"""The API's description, for programs as JSON, for people as a page that needs no internet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib import resources
from typing import Any

import jinja2
import msgspec

from service.api import errors, openapi
from service.api.requests import Request, Response
from service.domain.errors import Refusal

# One style sheet of our own and nothing else: no scripts, no frames, no other hosts.
_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGES = resources.files("service.api") / "pages"


class OpenApi:
    """`/openapi.json`"""

    is_public = True

    def __init__(self, document: Mapping[str, object]) -> None:
        self._body = msgspec.json.encode(document)

    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer what was described when the process started."""
        resp.data = self._body


class Home:
    """`/`: whoever opens the endpoint's bare address in a browser."""

    is_public = True

    def on_get(self, _req: Request, resp: Response) -> None:
        """Send them to the page that says what can be asked."""
        resp.status = HTTPStatus.FOUND
        resp.location = "/docs"


class Docs:
    """`/docs`"""

    is_public = True

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._body = page(document).encode()

    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer the page made when the process started."""
        resp.content_type = "text/html; charset=utf-8"
        resp.set_header("content-security-policy", _POLICY)
        resp.data = self._body


class Style:
    """`/docs/style.css`"""

    is_public = True

    def __init__(self) -> None:
        self._body = (_PAGES / "style.css").read_bytes()

    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer the page's style sheet."""
        resp.content_type = "text/css; charset=utf-8"
        resp.data = self._body


def page(document: Mapping[str, Any]) -> str:
    """Return `document` as one HTML page, with every code that a request may be refused with."""
    # Everything in it is escaped, although it is all our own: the next text may not be.
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((_PAGES / "docs.html.j2").read_text(encoding="utf-8"))
    return template.render(
        info=document["info"],
        operations=list(_operations(document)),
        refusals=list(_refusals()),
        schemas=sorted(document["components"]["schemas"].items()),
        type_of=type_of,
    )


def type_of(schema: Mapping[str, Any]) -> str:
    """Return a JSON schema in a few words, for one cell of a table."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(type_of(part) for part in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}" if "items" in schema else "list"
    return str(schema.get("format") or schema.get("type", "anything"))


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    shared = document["components"]["parameters"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = [
                shared[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
                for part in operation["parameters"]
            ]
            yield {
                **operation,
                "path": path,
                "method": method.upper(),
                "parameters": parameters,
                "curl": _curl(path, operation),
                "answers": operation["responses"].items(),
            }


def _curl(path: str, operation: Mapping[str, Any]) -> str:
    """Return a command that works when pasted, once its $VARIABLES are set."""
    words = ["curl -s"]
    if operation.get("security", True):
        words.append('-H "Authorization: Bearer $TOKEN"')
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        words.append(f"-H 'Content-Type: {media_type}'")
        words.append('-H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)"')
        words.append(f"--data-binary '{_written(body['example'])}'")
    words.append('"$ENDPOINT' + re.sub(r"{(\w+)}", lambda name: f"${name[1].upper()}", path) + '"')
    return " \\\n  ".join(words)


def _written(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)


def _refusals() -> Iterator[tuple[HTTPStatus, type[Refusal]]]:
    for status in sorted(errors.STATUS.values()):
        for kind in openapi.refusals(status):
            yield status, kind

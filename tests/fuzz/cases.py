"""Cases: each a valid request, changed in some ways; the same for the same number."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from service.domain.permissions import OPERATIONS, Reach
from tests.fuzz.drafts import Case, Draft
from tests.fuzz.mutations import change
from tests.fuzz.worlds import World

# How many things are changed about a request; now and then none, to see that it is valid.
_CHANGES = [0, 1, 1, 1, 1, 1, 1, 2, 2, 3]
# What the edge, or nobody, asks beside what is described.
_UNDESCRIBED = ["/", "/metrics", "/openapi.json", "/docs", "/docs/style.css", "/v1/nothing"]
_ROLE_KEPT = 0.85  # of the cases are asked by a role that may; the others by any


class Cases:
    """The cases of a seed, by their number."""

    def __init__(self, document: Mapping[str, Any], world: World, *, seed: int) -> None:
        """Take the operations from the description of the API, what they name from the world."""
        self._seed = seed
        self._world = world
        self._operations = list(_operations(document))

    @property
    def operations(self) -> list[str]:
        """Every operation that is described, as `GET /v1/accounts`."""
        return [
            f"{method} {template}" for method, template, described in self._operations if described
        ]

    def case(self, number: int) -> Case:
        """Return one case."""
        random = Random(f"{self._seed}/{number}")
        draft = self._valid(number, random)
        for _ in range(random.choice(_CHANGES)):
            change(draft, random)
        return draft.case(number, random)

    def _valid(self, number: int, random: Random) -> Draft:
        method, template, described = random.choice(self._operations)
        values = self._world.values(number) | self._world.documents(template, number)
        if method == "POST" and template == "/v1/staff":
            values["user_name"] = f"added.{number}"
        content = described.get("requestBody", {}).get("content", {})
        draft = Draft(
            operation=f"{method} {template}",
            method=method,
            segments=template.format(**values).removeprefix("/").split("/"),
            query=list(_query(described, values, random)),
            headers={
                "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            },
        )
        for media_type, kind in content.items():
            draft.headers["Content-Type"] = media_type
            draft.body = _filled(copy.deepcopy(kind["example"]), values)
        if draft.is_lines:
            draft.body = [draft.body]
        if method != "GET":
            draft.headers["Idempotency-Key"] = f"fuzz-{self._seed}-{number}"
        permission = described.get("x-permission")
        if permission is not None:
            draft.headers["Authorization"] = f"Bearer {self._token(permission, number, random)}"
        return draft

    def _token(self, permission: str, number: int, random: Random) -> str:
        if permission.startswith(("sessions.", "passwords.")):
            return self._world.access_token(number)
        reaches = OPERATIONS[permission]
        if random.random() > _ROLE_KEPT:
            return random.choice(list(self._world.tokens.values()))
        role = random.choice(sorted(reaches))
        if reaches[role] is Reach.CENTRAL:
            whose = ["every"] * 6 + ["own"]
        else:
            whose = ["own"] * 4 + (["every"] * 2 if reaches[role] is Reach.ANY else []) + ["other"]
        return self._world.tokens[role, random.choice(whose)]


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for template, methods in document["paths"].items():
        for method, described in methods.items():
            yield method.upper(), template, described
    for template in _UNDESCRIBED:
        yield "GET", template, {}


def _query(
    described: Mapping[str, Any], values: Mapping[str, Any], random: Random
) -> Iterator[tuple[str, str]]:
    """Yield some of the parameters, each with a value that is one of it."""
    for parameter in described.get("parameters", []):
        if parameter.get("in") == "query" and (parameter["required"] or random.random() < 0.5):
            yield parameter["name"], str(values[parameter["name"]])


def _filled(example: Any, values: Mapping[str, Any]) -> Any:
    """Return an example that speaks of this world: known fields have its values."""
    if isinstance(example, dict):
        return {name: _filled(values.get(name, value), values) for name, value in example.items()}
    if isinstance(example, list):
        return [_filled(item, values) for item in example]
    return example

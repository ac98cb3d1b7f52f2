"""Dynamic: the part of Patroni's configuration that all its members share, in etcd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ha.rest import Rest, RestSilent
from ha.site import ANSWER_S, Site

# Written by whoever pauses the cluster, and theirs to take back.
_OPERATORS_OWN = frozenset({"pause"})


class SettingsRefused(Exception):
    """Patroni does not say what it has, or does not take what it is told."""


def wanted(patroni_yml: str) -> dict[str, Any]:
    """Return what a cluster born today would share: `bootstrap.dcs` of a database host's file."""
    found: dict[str, Any] = yaml.safe_load(patroni_yml)["bootstrap"]["dcs"]
    return found


def merged(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is wanted, with what is its operators' own of what was found."""
    return {**wanted, **{name: found[name] for name in _OPERATORS_OWN & found.keys()}}


def difference(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what Patroni must be told so that it has what is wanted; empty if it has.

    A part is named only where it differs, None removes it (Patroni, REST API, `PATCH /config`).
    """
    changed: dict[str, Any] = {
        name: None for name in found if name not in wanted and name not in _OPERATORS_OWN
    }
    for name, value in wanted.items():
        has = found.get(name)
        if isinstance(value, Mapping) and isinstance(has, Mapping):
            if inner := difference(value, has):
                changed[name] = inner
        elif has != value:
            changed[name] = value
    return changed


def sentences(changes: Mapping[str, Any], *, within: str = "") -> list[str]:
    """Return each change as "name = value", those to be removed as "name goes"."""
    found: list[str] = []
    for name, value in changes.items():
        if isinstance(value, Mapping):
            found += sentences(value, within=f"{within}{name}.")
        else:
            found.append(f"{within}{name} " + ("goes" if value is None else f"= {value}"))
    return found


def read(site: Site) -> dict[str, Any]:
    """
    Return what the members share now.

    :raises SettingsRefused: if no Patroni says it
    """
    answer: dict[str, Any] = _ask_any(site, "GET")
    return answer


def tell(site: Site, changes: Mapping[str, Any]) -> None:
    """
    Have the members take the changes; they do so in their next round, `loop_wait` later.

    :raises SettingsRefused: if no Patroni does
    """
    _ask_any(site, "PATCH", dict(changes))


def _ask_any(site: Site, method: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    complaints: list[str] = []
    for name, patroni in site.patronis.items():
        try:
            status, answer = patroni.call(method, "/config", body, within_s=ANSWER_S * 2)
        except RestSilent as silence:
            complaints.append(str(silence))
            continue
        if status == Rest.OK:
            return answer
        complaints.append(f"{name}: {status} {answer}")
    raise SettingsRefused("; ".join(complaints))

"""The API in this process, called as its server calls it: by WSGI, without a socket."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from tests.fuzz.drafts import Case

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back; `crash` is what went wrong if nothing did."""

    status: int
    headers: dict[str, str]
    body: bytes
    crash: str = ""


def asked(app: App, case: Case) -> Answered:
    """Return what `app` answers."""
    started: list[Any] = []
    try:
        found = app(environment(case), lambda *given: started.append(given))
        body = b"".join(found)
    except Exception:  # noqa: BLE001  whatever it is, it is what is looked for
        return Answered(0, {}, b"", crash=traceback.format_exc(limit=-4))
    status, headers = started[-1][:2]
    return Answered(int(status[:3]), {name.lower(): value for name, value in headers}, body)


def environment(case: Case) -> dict[str, Any]:
    """Return a request as gunicorn hands it over. Source: PEP 3333, `gunicorn.http.wsgi.create`."""
    path, _, query = case.target.partition("#")[0].partition("?")
    found: dict[str, Any] = {
        "REQUEST_METHOD": case.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": case.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(case.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in case.headers:
        key = name.upper().replace("-", "_")
        found[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return found

"""Firewall: lets the lab's own traffic pass where this machine filters what crosses a bridge."""

from __future__ import annotations

import re
from pathlib import Path

from ha.lab.commands import run
from ha.lab.layout import Layout

# With this on, as Docker needs it, the machine's IPv4 filter sees what hosts of the lab send each
# other; with Docker's policy it drops it.
_SWITCH = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
# Where iptables, and so Docker, keeps what it decides about packets that pass through.
_CHAIN = ["ip", "filter", "FORWARD"]


def let_pass(layout: Layout) -> None:
    """Accept, before any other rule, what stays on the lab's switch; nothing without a filter."""
    if not _is_filtering() or _handles(layout):
        return
    stays = ["iifname", layout.bridge, "oifname", layout.bridge]
    run(["nft", "insert", "rule", *_CHAIN, *stays, "counter", "accept"])


def forget(layout: Layout) -> None:
    """Undo `let_pass`."""
    for handle in _handles(layout):
        run(["nft", "delete", "rule", *_CHAIN, "handle", handle])


def _is_filtering() -> bool:
    """Test if there is a filter that sees what crosses a bridge."""
    try:
        is_on = _SWITCH.read_text(encoding="ascii").strip() == "1"
    except FileNotFoundError:  # a kernel or a machine without it
        return False
    return is_on and _rules() != ""


def _handles(layout: Layout) -> list[str]:
    """Return the numbers of our rules."""
    ours = rf'iifname "{layout.bridge}" oifname "{layout.bridge}" .*# handle (\d+)'
    return re.findall(ours, _rules())


def _rules() -> str:
    """Return the filter's rules with their numbers; empty if there is no filter."""
    return run(["nft", "--handle", "list", "chain", *_CHAIN], check=False)

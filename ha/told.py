"""Told: runs a command as another user, with variables that come through standard input."""

from __future__ import annotations

import os
import pwd
import sys

import msgspec

# What a service of systemd starts with.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main() -> None:
    """
    Become `sys.argv[2:]` as the user `sys.argv[1]`.

    The variables are a JSON object. A command line can be read by everybody, and so can a file
    that was forgotten.
    """
    user, *argv = sys.argv[1:]
    variables = msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, str])
    account = pwd.getpwnam(user)
    os.initgroups(user, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.chdir("/")
    os.execve(argv[0], argv, {"PATH": _PATH, "LANG": "C.UTF-8"} | variables)  # noqa: S606


if __name__ == "__main__":
    main()

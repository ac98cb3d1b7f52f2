"""Image: a bare Debian 12, from which every machine starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from ha.fleet.layout import BASE, FleetFailed
from ha.lab.commands import run
from ha.lab.errors import CommandFailed

RELEASE = "bookworm"
# What a provider's image has, and what ssh and Ansible need; all else is Ansible's to install.
PACKAGES = (
    "apt-utils",
    "ca-certificates",
    "dbus",
    "iproute2",
    "kmod",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "systemd-sysv",
)
# 200 MB from a mirror, unpacked on a slow disk.
_MADE_S = 900.0
_ASKED_S = 30.0
# Where this computer gets Debian from, the machines get it too: sources, keys, proxy.
_APT = ("sources.list", "sources.list.d", "apt.conf.d", "trusted.gpg.d", "auth.conf.d")


def make() -> Path:
    """
    Return the image; made at the first call, which takes minutes.

    :raises FleetFailed: if debootstrap is not there, or does not do it
    """
    if BASE.exists():
        return BASE
    if missing := [p for p in ("debootstrap", "systemd-nspawn", "ssh") if shutil.which(p) is None]:
        names = "debootstrap systemd-container openssh-client"
        raise FleetFailed(f"{' and '.join(missing)} is missing: apt-get install {names}")
    new = BASE.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    options = ["--variant=minbase", f"--include={','.join(PACKAGES)}"]
    try:
        run(["debootstrap", *options, RELEASE, str(new), _mirror()], timeout_s=_MADE_S)
    except CommandFailed as failure:
        raise FleetFailed(f"no image of Debian: {failure}") from failure
    _leave_bare(new)
    new.rename(BASE)
    return BASE


def _mirror() -> str:
    """
    Return where this computer gets Debian's packages.

    :raises FleetFailed: if it gets them nowhere
    """
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {RELEASE}"]
    found = run(argv, timeout_s=_ASKED_S).split()
    if not found:
        raise FleetFailed(f"this computer has no source of {RELEASE}; `apt-get update` first")
    return found[0]


def _leave_bare(root: Path) -> None:
    """Give the image our sources; take from it what each machine must have of its own."""
    for name in _APT:
        ours, theirs = Path("/etc/apt", name), root / "etc/apt" / name
        if ours.is_dir():
            shutil.copytree(ours, theirs, dirs_exist_ok=True, symlinks=True)
        elif ours.exists():
            shutil.copy(ours, theirs)
    keys = Path("/usr/share/keyrings")
    if keys.is_dir():
        shutil.copytree(keys, root / "usr/share/keyrings", dirs_exist_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("", encoding="ascii")
    (root / "etc/hostname").unlink(missing_ok=True)
    networkd = root / "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    networkd.parent.mkdir(parents=True, exist_ok=True)
    networkd.unlink(missing_ok=True)
    networkd.symlink_to("/lib/systemd/system/systemd-networkd.service")

"""What to do where the machine lacks a layer of the sandbox: kernel, boot option, setting, container flag."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Machine", "remedy"]

LANDLOCK_SINCE = (5, 13)
SWITCHES = {  # setting -> value with which accounts may make user namespaces
    "kernel.unprivileged_userns_clone": "1",  # Debian
    "kernel.apparmor_restrict_unprivileged_userns": "0",  # Ubuntu
    "user.max_user_namespaces": "15000",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the remedies depend on.

    Attributes:
        release: Of the kernel, as `uname -r` has it.
        lsm: Security modules that are switched on; `None` where that cannot be read.
        container: Whether this is a Docker or Podman container, or a pod.
        root: Whether the account is root.
        settings: Of `SWITCHES`, those that are there.
    """

    release: str
    lsm: tuple[str, ...] | None = None
    container: bool = False
    root: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Machine:
        """This machine."""
        lsm = _read(Path("/sys/kernel/security/lsm"))
        settings = {name: _read(Path("/proc/sys", *name.split("."))) for name in SWITCHES}
        marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
        return cls(
            release=platform.release(),
            lsm=tuple(lsm.split(",")) if lsm else None,
            container=any(mark.exists() for mark in marks) or "KUBERNETES_SERVICE_HOST" in os.environ,
            root=os.geteuid() == 0,
            settings={name: value for name, value in settings.items() if value},
        )

    @property
    def version(self) -> tuple[int, int]:
        """Of the kernel; (0, 0) where the release does not tell."""
        found = re.match(r"(\d+)\.(\d+)", self.release)
        return (int(found[1]), int(found[2])) if found else (0, 0)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def remedy(layer: str, machine: Machine, why: str = "") -> str:
    """How to get a layer that is missing, in one line; `""` for a layer that is not known.

    Args:
        layer: Its name.
        machine: This machine.
        why: What the sandbox says of it.
    """
    if "threads run in" in why:
        return "the machine allows it, so please report this"
    remedies: Mapping[str, Callable[[], str]] = {
        "rlimits": lambda: "raise the hard limits of this account (ulimit -H -a)",
        "no_new_privs": lambda: "use Linux 3.5 or newer, and a container that lets prctl through",
        "landlock": lambda: _landlock(machine),
        "seccomp": lambda: _seccomp(machine),
        "uid": lambda: _uid(machine),
        "network": lambda: _namespaces(machine),
        "quota": lambda: _namespaces(machine),
        "files": lambda: _namespaces(machine),
        "processes": lambda: _namespaces(machine),
    }
    return remedies[layer]() if layer in remedies else ""


def _landlock(machine: Machine) -> str:
    if machine.version < LANDLOCK_SINCE:
        kernel = "the host's kernel" if machine.container else "the kernel"
        return f"update {kernel}: this is Linux {machine.release}, Landlock came with 5.13"
    if machine.lsm is not None and "landlock" not in machine.lsm:
        now = ",".join(machine.lsm)
        return (
            f"boot with lsm=landlock,{now} (kernel command line), on a kernel that was built with "
            "CONFIG_SECURITY_LANDLOCK=y"
        )
    if machine.container:
        return (
            "let the container use it: Docker 23 or newer, or `--security-opt seccomp=…` with a profile that "
            "allows landlock_create_ruleset, landlock_add_rule and landlock_restrict_self; the host must "
            "have it in /sys/kernel/security/lsm"
        )
    return (
        "look for landlock in /sys/kernel/security/lsm; where it is not, boot with landlock added to lsm=…, "
        "on a kernel that was built with CONFIG_SECURITY_LANDLOCK=y"
    )


def _seccomp(machine: Machine) -> str:
    built = "use a kernel that was built with CONFIG_SECCOMP_FILTER=y, on x86_64 or aarch64"
    return f"{built}; gVisor and other emulated kernels lack it" if machine.container else built


def _uid(machine: Machine) -> str:
    if machine.root and machine.container:
        return "optional: start the container with --cap-add=SETUID --cap-add=SETGID --cap-add=CHOWN"
    return "optional: only root can give each agent a user id of its own"


def _namespaces(machine: Machine) -> str:
    """For layers that need `unshare`."""
    wrong = [
        f"sysctl -w {name}={wanted}"
        for name, wanted in SWITCHES.items()
        if name in machine.settings and _forbids(name, machine.settings[name])
    ]
    if wrong and not machine.root:
        return f"optional: as root, {' and '.join(wrong)}"
    if machine.container:
        return (
            "optional: start the container with --cap-add=SYS_ADMIN, or with --security-opt seccomp=… and a "
            "profile that allows unshare and mount"
        )
    if machine.root:
        return "optional: give this account CAP_SYS_ADMIN"
    return "optional: allow user namespaces (see user_namespaces(7)), or run as root"


def _forbids(name: str, value: str) -> bool:
    if name == "user.max_user_namespaces":
        return value == "0"
    return value != SWITCHES[name]

"""The namespaces that the zygote enters before it forks: user, network, mounts; and why it could not."""

from __future__ import annotations

import os
from collections.abc import Collection

from meta_search.sandbox.confined import libc

__all__ = ["NAMESPACES", "enter_namespaces", "threads"]

# Layer -> what it needs of `unshare`. Process ids: the flag is that of `clone`, for each child.
NAMESPACES = {
    "network": libc.CLONE_NEWNET | libc.CLONE_NEWIPC,
    "quota": libc.CLONE_NEWNS,
    "files": libc.CLONE_NEWNS,
    "processes": 0,
}


def enter_namespaces(wanted: Collection[str]) -> dict[str, str]:
    """Enter the namespaces that layers need. Call once.

    Args:
        wanted: Layers.

    Returns:
        Layer -> why it cannot be used, for those of `NAMESPACES` that cannot.
    """
    layers = [layer for layer in NAMESPACES if layer in wanted]
    if not layers:
        return {}
    if not libc.has_capabilities(libc.CAP_SYS_ADMIN) and (why := _enter_user_namespace()):
        return dict.fromkeys(layers, why)
    missing, entered = {}, 0
    for layer in layers:
        try:
            if flags := NAMESPACES[layer] & ~entered:
                libc.unshare(flags)
                entered |= flags
            if NAMESPACES[layer] & libc.CLONE_NEWNS:
                libc.mount("none", "/", None, libc.MS_REC | libc.MS_PRIVATE)
        except OSError as error:
            missing[layer] = f"the kernel or the container does not allow it here ({error})"
    return missing


def _enter_user_namespace() -> str:
    """Become the owner of a user namespace; why not, or nothing."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:  # root without capabilities would lose access to its files in a user namespace
        return "root without CAP_SYS_ADMIN"
    if (count := threads()) > 1:
        # The kernel would say "Invalid argument", which is no fault of the machine's.
        return f"{count} threads run in the sandbox's process, which must have one: a library started them"
    try:
        libc.unshare(libc.CLONE_NEWUSER)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError as error:
        return f"user namespaces are not allowed here ({error})"
    return ""


def threads() -> int:
    """Threads of this process, those of libraries included; 1 where it cannot be read."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1

"""User ids for the children of a zygote that is root: one for each slot, or that of nobody for all."""

from __future__ import annotations

import os
from dataclasses import dataclass

from meta_search.sandbox.confined import libc

__all__ = ["NOBODY", "UserIds", "find_user_ids"]

NOBODY = 65534
COUNT = 1024


@dataclass(frozen=True)
class UserIds:
    """What there is.

    Attributes:
        first: Id of the first slot; `NOBODY` is for all of them.
        missing: Why there are none; empty if there are.
        note: How they are weaker than elsewhere; empty if they are not.
    """

    first: int = -1
    missing: str = ""
    note: str = ""


def find_user_ids() -> UserIds:
    """Find user ids that exist here and that nobody else uses."""
    if os.geteuid() != 0:
        return UserIds(missing="not root: agents keep this account's uid, the other layers hold them")
    if not libc.has_capabilities(libc.CAP_SETUID, libc.CAP_SETGID, libc.CAP_CHOWN):
        return UserIds(missing="root without CAP_SETUID, CAP_SETGID and CAP_CHOWN")
    ours = 1_000_000_000 + os.getpid() % 200_000 * COUNT
    try:
        if _exist(ours, COUNT):
            return UserIds(ours)
        if _exist(NOBODY, 1):
            return UserIds(NOBODY, note=f"uid {NOBODY} for all agents: this user namespace has no others")
    except OSError as error:
        return UserIds(missing=f"which uids exist cannot be read ({error})")
    return UserIds(missing="no other uid exists in this user namespace")


def _exist(first: int, count: int) -> bool:
    """Whether these user ids are mapped in this user namespace."""
    with open("/proc/self/uid_map") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    return any(start <= first and first + count <= start + length for start, _, length in ranges)

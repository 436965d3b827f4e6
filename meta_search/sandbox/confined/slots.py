"""Folders of children: a fresh one for each, so that nothing of one item is seen in the next."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from meta_search.sandbox.confined import libc
from meta_search.sandbox.confined.file_tree import ITEM, FileTree

__all__ = ["ChildSlot", "Slots", "mount_scratch"]

FILES = 1024


@dataclass
class ChildSlot:
    """What one child at a time gets, between `Slots.open` and `Slots.close`.

    Attributes:
        uid: Its user id; `None` leaves that of the zygote.
        root: What becomes its root folder; empty if it keeps the zygote's.
        folder: Folder that it may write to, as the zygote sees it.
        ruleset: File descriptor of the Landlock ruleset of the folder, -1 for none.
    """

    uid: int | None
    root: str = ""
    folder: str = ""
    ruleset: int = -1

    @property
    def inside(self) -> str:
        """The folder as the child sees it."""
        return ITEM if self.root else self.folder


class Slots:
    """Makes, opens, closes and removes them.

    Args:
        work: Folder that they lie in.
        disk_mb: MB that a child may write.
        quota: Whether each is a file system of limited size.
        tree: File tree of the children, if they have one of their own; needs `quota`.
        uid_of: Number of a slot -> its user id.
        ruleset_of: Folder -> a Landlock ruleset that allows to write to it alone, -1 for none; not called
            where there is a tree.
    """

    def __init__(
        self,
        work: str,
        disk_mb: int,
        quota: bool,
        tree: FileTree | None,
        uid_of: Callable[[int], int | None],
        ruleset_of: Callable[[str], int],
    ) -> None:
        self._work, self._disk_mb = work, disk_mb
        self._quota, self._tree = quota, tree
        self._uid_of, self._ruleset_of = uid_of, ruleset_of
        self._made: list[ChildSlot] = []

    def new(self) -> ChildSlot:
        """A new slot, closed.

        Raises:
            OSError: It cannot be made.
        """
        slot = ChildSlot(self._uid_of(len(self._made)))
        if self._tree is not None:
            slot.root = self._new_folder()
            self._tree.copy(slot.root)
            slot.folder = slot.root + ITEM
        self._made.append(slot)
        return slot

    def open(self, slot: ChildSlot) -> None:
        """Give a slot a fresh folder, for a child that comes.

        Raises:
            OSError: It cannot be made.
        """
        if not slot.root:
            slot.folder = self._new_folder()
        if self._quota:
            mount_scratch(slot.folder, self._disk_mb, slot.uid)
        elif slot.uid is not None:
            os.chown(slot.folder, slot.uid, slot.uid)
        if not slot.root:
            slot.ruleset = self._ruleset_of(slot.folder)

    def close(self, slot: ChildSlot) -> None:
        """Take a slot's folder away, whose child is gone.

        Raises:
            OSError: It is mounted still.
        """
        if self._quota:
            libc.umount(slot.folder)  # not removed, should this fail
        if slot.root:
            return
        with contextlib.suppress(OSError):
            os.chmod(slot.folder, 0o700)
        shutil.rmtree(slot.folder, ignore_errors=True)
        if slot.ruleset >= 0:
            os.close(slot.ruleset)
            slot.ruleset = -1

    def used_mb(self, slot: ChildSlot) -> float:
        """Megabytes on disk in a slot; infinite for more than `FILES` files."""
        if self._quota:
            return 0.0  # the file system itself limits it
        total = 0
        with os.scandir(slot.folder) as entries:
            for count, entry in enumerate(entries):
                if count >= FILES:
                    return math.inf
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
        return total / 2**20

    def remove(self) -> None:
        """Remove all."""
        for slot in self._made:
            with contextlib.suppress(OSError):  # no child has it
                self.close(slot)
            if slot.root:
                with contextlib.suppress(OSError):
                    libc.umount(slot.root)
                    os.rmdir(slot.root)
        self._made.clear()

    def _new_folder(self) -> str:
        """A folder whose name the other children cannot guess: they could look at its times and its size."""
        folder = os.path.join(self._work, f"slot-{os.urandom(16).hex()}")
        os.mkdir(folder, 0o700)
        return folder


def mount_scratch(folder: str, size_mb: int, uid: int | None) -> None:
    """Mount an empty file system of limited size.

    Raises:
        OSError: It cannot be mounted.
    """
    owner = "" if uid is None else f",uid={uid},gid={uid}"
    flags = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
    data = f"size={size_mb}m,nr_inodes={FILES},mode=700{owner}"
    libc.mount("sandbox", folder, "tmpfs", flags, data)

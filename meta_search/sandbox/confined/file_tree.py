"""A file tree of the children's own: what agents may read, two devices, a folder to write to, nothing else.

Landlock forbids to read other files, but not to look at them: without a tree of its own, a process sees the
size, the times and the number of links of every file whose path it knows, and what /proc shows of others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from meta_search.sandbox.confined import libc

__all__ = ["BOX", "ITEM", "FileTree"]

BOX = "/box"  # holds nothing but the next
ITEM = "/box/item"  # where a child works
_DEVICES = {"/dev/null": (1, 3), "/dev/urandom": (1, 9)}


class FileTree:
    """The tree, in a mount namespace of the zygote's.

    Args:
        root: Folder in which it is put together.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    def build(self, readable: Iterable[str], hidden: Iterable[str]) -> None:
        """Put it together.

        Args:
            readable: Files and folders that are seen in it, where they lie outside; those that are not there
                are skipped.
            hidden: Folders within these that are empty in it.

        Raises:
            OSError: It cannot be mounted.
        """
        os.mkdir(self.root, 0o755)
        libc.mount("files", self.root, "tmpfs", libc.MS_NOSUID, "size=256k,nr_inodes=4096,mode=755")
        try:
            self._put_together(readable, hidden)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Take it apart; what it shows stays outside.

        Raises:
            OSError: It is mounted still.
        """
        libc.umount(self.root)
        os.rmdir(self.root)

    def _put_together(self, readable: Iterable[str], hidden: Iterable[str]) -> None:
        os.makedirs(self.root + ITEM, 0o755)
        paths = list(readable)
        # Folders first: what lies in one that is hidden is put into the empty one afterwards.
        for path in hidden:
            paths = self._show_above(path, paths)
            if os.path.isdir(self.root + path):
                libc.mount("hidden", self.root + path, "tmpfs", libc.MS_NOSUID, "size=64k,mode=755")
        for path in paths:
            self._show(path)
        libc.read_only(self.root)

    def copy(self, folder: str) -> None:
        """Have the tree in another folder as well, for one child.

        Raises:
            OSError: It cannot be mounted.
        """
        libc.mount(self.root, folder, None, libc.MS_BIND | libc.MS_REC)

    def _show_above(self, path: str, paths: list[str]) -> list[str]:
        """Show those paths that a hidden one lies in; the others are left."""
        above = [p for p in paths if path.startswith(p.rstrip("/") + "/")]
        for shown in above:
            self._show(shown)
        return [p for p in paths if p not in above]

    def _show(self, path: str) -> None:
        target = self.root + path
        if not os.path.exists(path) or os.path.exists(target):
            return
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        if path in _DEVICES and self._make_device(path):
            return
        if stat.S_ISDIR(os.stat(path).st_mode):
            os.mkdir(target, 0o755)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        libc.mount(path, target, None, libc.MS_BIND | libc.MS_REC)

    def _make_device(self, path: str) -> bool:
        """A device of our own, with which others do not share locks and times; root alone can make one."""
        target = self.root + path
        try:
            os.mknod(target, stat.S_IFCHR | 0o666, os.makedev(*_DEVICES[path]))
            os.chmod(target, 0o666)
            os.close(os.open(target, os.O_RDONLY))
        except OSError:
            if os.path.lexists(target):
                os.unlink(target)
            return False
        return True

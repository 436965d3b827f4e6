"""The layers that confine candidate code (docs/architecture.md). Runs in the zygote and its children.

No layer is enough by itself: Landlock allows datagrams and forks, seccomp allows files to be read, namespaces
allow files to be read and signals to be sent.
"""

from __future__ import annotations

import math
import os
import resource
import select
import shutil
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field

from meta_search.sandbox.confined import landlock, libc, seccomp
from meta_search.sandbox.confined.file_tree import BOX, FileTree
from meta_search.sandbox.confined.namespaces import NAMESPACES, enter_namespaces
from meta_search.sandbox.confined.slots import ChildSlot, Slots, mount_scratch
from meta_search.sandbox.confined.user_ids import NOBODY, find_user_ids

__all__ = ["NOBODY", "THREADS", "Confinement", "LayerError"]

OPEN_FILES = 64
THREADS = 256
_LIBRARY = os.path.dirname(os.path.realpath(os.__file__))
_NOT_FOR_AGENTS = ("site-packages", "dist-packages", "test", "idlelib", "ensurepip", "lib2to3")
_FOR_ALL = ("/usr/share/zoneinfo", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/urandom")


class LayerError(Exception):
    """A layer could not be entered; `args` are its name and why."""


@dataclass
class Confinement:
    """Prepared once in the zygote, entered by each child.

    Attributes:
        wanted: Layers to use.
        work: Folder that contains the folders of all slots.
        readable: Files and folders that agents may read, besides the standard library.
        memory_mb: Address space in MB that a child may add to what the zygote has mapped.
        disk_mb: MB that a child may write in all.
        missing: Layer -> why it cannot be used; filled by `prepare`.
        notes: Layer -> how it works here, where it is weaker than elsewhere.
    """

    wanted: frozenset[str]
    work: str
    readable: tuple[str, ...]
    memory_mb: int
    disk_mb: int
    missing: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    _filter: bytes = b""
    _rules: tuple[tuple[str, int], ...] = ()
    _ruleset: int = -1
    _limits: list[tuple[int, int]] = field(default_factory=list)
    _first_uid: int = -1
    _tree: FileTree | None = None
    _tid_address: int = 0
    _zygote: int = -1
    _pid: int = field(default_factory=os.getpid)
    _slots: Slots | None = None

    def prepare(self) -> None:
        """Find out which layers this kernel has and enter the namespaces. Call once, with a single thread."""
        if self.has("landlock") and (why := landlock.why_not()):
            self.missing["landlock"] = why
        if self.has("seccomp"):
            if seccomp.supported():
                self._filter = seccomp.build()
            else:
                self.missing["seccomp"] = f"no filter for {os.uname().machine}; x86_64 and aarch64 have one"
        if self.has("uid"):
            found = find_user_ids()
            self._first_uid = found.first
            self.missing |= {"uid": found.missing} if found.missing else {}
            self.notes |= {"uid": found.note} if found.note else {}
        self.missing |= enter_namespaces([layer for layer in NAMESPACES if self.has(layer)])
        if self.has("quota"):
            self._try_quota()
        if self.has("files"):
            self._build_tree()
        if self.has("processes"):
            try:
                self._tid_address = libc.thread_id_address()
            except OSError as error:
                self.missing["processes"] = f"the kernel does not tell what a fork needs ({error})"
        self._rules = tuple((path, landlock.READ) for path in self._readable())
        try:
            self._zygote = os.pidfd_open(os.getpid())
        except OSError as error:  # then only a child that sees its parent can tell that it has gone
            self.missing["processes"] = f"no handle on a process, which Linux 5.3 and newer give ({error})"
        self._limits = self._limits_of()

    def has(self, layer: str) -> bool:
        """Whether a layer is wanted and not known to be missing."""
        return layer in self.wanted and layer not in self.missing

    @property
    def slots(self) -> Slots:
        """The children's folders. From the first use on, layers that are missing are missing for good."""
        if self._slots is None:
            if self.has("landlock"):
                self._ruleset = self._shared_ruleset()
            tree = self._tree if self.has("files") else None
            quota = self.has("quota")
            self._slots = Slots(self.work, self.disk_mb, quota, tree, self._uid_of, self._ruleset_of)
        return self._slots

    def forget_slots(self) -> None:
        """Make them anew when they are needed next: another layer may be missing by then."""
        if self._slots is not None:
            self._slots.remove()
        if self._ruleset >= 0:
            os.close(self._ruleset)
        self._slots, self._ruleset = None, -1

    def remove(self) -> None:
        """Remove everything from disk. The zygote does it, as its starter may be gone."""
        self.forget_slots()
        if self._tree is not None:
            self._tree.remove()
        shutil.rmtree(self.work, ignore_errors=True)

    def fork(self) -> int:
        """Fork this process, which has one thread; the child is alone among its process ids if possible.

        Raises:
            OSError: The system has no room for another process.
        """
        return libc.fork_alone(self._tid_address) if self.has("processes") else os.fork()

    def files_of(self, slot: ChildSlot) -> list[int]:
        """File descriptors that `enter` needs and closes."""
        return [number for number in (slot.ruleset, self._ruleset, self._zygote) if number >= 0]

    def enter(self, slot: ChildSlot, cpu_s: float) -> None:
        """Confine this process irrevocably. Call in a child with one thread.

        Args:
            slot: The child's slot.
            cpu_s: CPU seconds that the child may use.

        Raises:
            LayerError: A layer cannot be entered.
        """
        for layer, enter in (
            ("files", lambda: self._go_in(slot)),
            ("uid", lambda: _become(slot.uid)),
            ("", self._tie_to_zygote),
            ("", libc.drop_capabilities),
            ("rlimits", lambda: self._limit(cpu_s, slot)),
            ("no_new_privs", lambda: libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)),
            ("landlock", lambda: self._restrict(slot)),
            ("seccomp", lambda: self._install_filter(slot)),
        ):
            if not layer or layer == "files" or self.has(layer):
                try:
                    enter()
                except (OSError, ValueError) as error:
                    raise LayerError(layer, str(error)) from error
        for number in self.files_of(slot):  # the ruleset above all: whoever has it open can widen it
            os.close(number)

    def _go_in(self, slot: ChildSlot) -> None:
        if slot.root:
            os.chroot(slot.root)
            null = os.open(os.devnull, os.O_RDWR)  # the tree's own: others can watch the machine's
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            os.close(null)
        os.chdir(slot.inside)

    def _tie_to_zygote(self) -> None:
        """Die with the zygote. After the change of uid, which resets it; the zygote may be gone already."""
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
        if self._zygote < 0:
            gone = os.getppid() != self._pid
        else:
            poll = select.poll()
            poll.register(self._zygote, select.POLLIN)
            gone = bool(poll.poll(0))
        if gone:
            os._exit(1)

    def _restrict(self, slot: ChildSlot) -> None:
        if slot.ruleset >= 0:
            landlock.restrict(slot.ruleset)
        landlock.restrict(self._ruleset)

    def _install_filter(self, slot: ChildSlot) -> None:
        libc.forget_robust_futexes()
        seccomp.install(self._filter)

    def _try_quota(self) -> None:
        folder = os.path.join(self.work, "probe")
        os.mkdir(folder, 0o700)
        try:
            mount_scratch(folder, 1, None)
            libc.umount(folder)
        except OSError as error:
            self.missing["quota"] = f"a private tmpfs cannot be mounted ({error})"
        os.rmdir(folder)

    def _build_tree(self) -> None:
        if not self.has("quota"):
            self.missing["files"] = f"needs the layer quota: {self.missing.get('quota', 'switched off')}"
            return
        tree = FileTree(os.path.join(self.work, "tree"))
        library = os.path.dirname(os.__file__)
        hidden = [os.path.join(folder, name) for folder in (library, _LIBRARY) for name in _NOT_FOR_AGENTS]
        try:
            tree.build([library, _LIBRARY, *_FOR_ALL, *_DEVICES, *self.readable], hidden)
        except OSError as error:
            self.missing["files"] = f"a file tree of its own cannot be mounted ({error})"
            return
        self._tree = tree

    def _shared_ruleset(self) -> int:
        """What all children may read; and write, as far as their own folder's ruleset allows it as well."""
        write = landlock.SCRATCH if self.has("quota") else landlock.WRITE_FILES
        root = self._tree.root if self._tree is not None and self.has("files") else ""
        rules = [(root + path, access) for path, access in self._rules]
        null = (f"{root}/dev/null", landlock.WRITE_FILES)
        return landlock.ruleset([*rules, null, (root + BOX if root else self.work, write)])

    def _ruleset_of(self, folder: str) -> int:
        """Together with the shared one: this folder, and of the rest what that allows."""
        if not self.has("landlock"):
            return -1
        own = landlock.SCRATCH if self.has("quota") else landlock.WRITE_FILES
        rest = [(path, landlock.READ) for path in (_LIBRARY, *_FOR_ALL, *_DEVICES, *self.readable)]
        return landlock.ruleset([*rest, ("/dev/null", landlock.WRITE_FILES), (folder, own)])

    def _uid_of(self, number: int) -> int | None:
        if not self.has("uid"):
            return None
        return NOBODY if self._first_uid == NOBODY else self._first_uid + number

    def _limits_of(self) -> list[tuple[int, int]]:
        """Limits that all children share: all but CPU time and number of processes."""
        wanted = {
            resource.RLIMIT_AS: _mapped_bytes() + self.memory_mb * 2**20,
            resource.RLIMIT_FSIZE: self.disk_mb * 2**20,
            resource.RLIMIT_NOFILE: OPEN_FILES,
            resource.RLIMIT_CORE: 0,
        }
        return [(kind, _within(kind, limit)) for kind, limit in wanted.items()]

    def _limit(self, cpu_s: float, slot: ChildSlot) -> None:
        seconds = _within(resource.RLIMIT_CPU, math.ceil(cpu_s) + 1)  # the zygote watches the exact figure
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        if slot.uid is not None and slot.uid != NOBODY:  # counted per user: only for a user of its own
            resource.setrlimit(resource.RLIMIT_NPROC, (THREADS, THREADS))
        for kind, limit in self._limits:
            resource.setrlimit(kind, (limit, limit))

    def _readable(self) -> Iterable[str]:
        # Entry by entry: the interpreter's own site-packages lies inside its standard library.
        for entry in os.scandir(_LIBRARY):
            if entry.name not in _NOT_FOR_AGENTS and not (entry.is_symlink() and entry.is_dir()):
                yield entry.path
        yield from ("/dev/urandom", *_FOR_ALL, *self.readable)


def _within(kind: int, limit: int) -> int:
    """`limit`, or this process's own hard limit if that is lower."""
    ceiling = resource.getrlimit(kind)[1]
    return limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)


def _become(uid: int | None) -> None:
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def _mapped_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

"""The layers that confine candidate code (docs/architecture.md). Runs in the zygote and its children.

No layer is enough by itself: Landlock allows datagrams and forks, seccomp allows files to be read, namespaces
allow files to be read and signals to be sent.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import shutil
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field

from meta_search.sandbox.confined import landlock, libc, seccomp

__all__ = ["Confinement", "LayerError", "ChildSlot"]

OPEN_FILES = 64
THREADS = 256
FILES = 1024
NOBODY = 65534
_NOT_FOR_AGENTS = frozenset({"site-packages", "dist-packages", "test", "idlelib", "ensurepip", "lib2to3"})


class LayerError(Exception):
    """A layer could not be entered; `args` are its name and why."""


@dataclass
class ChildSlot:
    """What one child at a time gets, used again after it has ended.

    Attributes:
        folder: Folder that the child may write to.
        uid: Its user id; `None` leaves that of the zygote.
        ruleset: File descriptor of its Landlock ruleset, -1 for none.
        quota: Whether the folder is a file system of limited size.
    """

    folder: str
    uid: int | None
    ruleset: int = -1
    quota: bool = False


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
    """

    wanted: frozenset[str]
    work: str
    readable: tuple[str, ...]
    memory_mb: int
    disk_mb: int
    missing: dict[str, str] = field(default_factory=dict)
    _filter: bytes = b""
    _rules: tuple[tuple[str, int], ...] = ()
    _limits: list[tuple[int, int]] = field(default_factory=list)
    _first_uid: int = -1
    _slots: int = 0

    def prepare(self) -> None:
        """Find out which layers this kernel has and enter the namespaces. Call once, with a single thread."""
        if self.has("landlock"):
            if landlock.abi() < 1:
                self.missing["landlock"] = (
                    "no Landlock in this kernel; Linux 5.13 or newer built with it has it"
                )
            else:
                self._rules = tuple((path, landlock.READ) for path in self._readable())
        if self.has("seccomp"):
            if seccomp.supported():
                self._filter = seccomp.build()
            else:
                self.missing["seccomp"] = f"no filter for {os.uname().machine}; x86_64 and aarch64 have one"
        if self.has("uid"):
            self._find_uids()
        self._enter_namespaces()
        self._limits = self._limits_of()

    def has(self, layer: str) -> bool:
        """Whether a layer is wanted and not known to be missing."""
        return layer in self.wanted and layer not in self.missing

    def new_slot(self) -> ChildSlot:
        """A new slot for a child."""
        uid = None
        if self.has("uid"):
            uid = NOBODY if self._first_uid == NOBODY else self._first_uid + self._slots
        slot = ChildSlot(os.path.join(self.work, f"slot-{self._slots}"), uid)
        self._slots += 1
        os.mkdir(slot.folder, 0o700)
        self._set_up(slot)
        return slot

    def clean(self, slot: ChildSlot) -> None:
        """Empty a slot after its child is gone."""
        if not slot.quota:
            with contextlib.suppress(OSError):
                os.chmod(slot.folder, 0o700)
            for name in os.listdir(slot.folder):  # flat: without a quota, folders cannot be made
                try:
                    os.unlink(os.path.join(slot.folder, name))
                except OSError:  # a folder after all: Landlock is switched off
                    shutil.rmtree(os.path.join(slot.folder, name), ignore_errors=True)
        elif os.listdir(slot.folder):
            libc.umount(slot.folder)
            if slot.ruleset >= 0:
                os.close(slot.ruleset)
            self._set_up(slot)

    def remove(self) -> None:
        """Remove all slots from disk. The zygote does it, as its starter may be gone."""
        for number in range(self._slots):
            with contextlib.suppress(OSError):
                libc.umount(os.path.join(self.work, f"slot-{number}"))
        shutil.rmtree(self.work, ignore_errors=True)

    def used_mb(self, slot: ChildSlot) -> float:
        """Megabytes on disk in a slot; infinite for more than `FILES` files."""
        if slot.quota:
            return 0.0  # the file system itself limits it
        total = 0
        with os.scandir(slot.folder) as entries:
            for count, entry in enumerate(entries):
                if count >= FILES:
                    return math.inf
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
        return total / 2**20

    def enter(self, slot: ChildSlot, zygote: int, cpu_s: float) -> None:
        """Confine this process irrevocably. Call in a child with one thread.

        Args:
            slot: The child's slot.
            zygote: Process id of the zygote.
            cpu_s: CPU seconds that the child may use.

        Raises:
            LayerError: A layer cannot be entered.
        """
        os.chdir(slot.folder)
        for layer, enter in (
            ("uid", lambda: _become(slot.uid)),
            ("rlimits", lambda: self._limit(cpu_s, slot)),
            ("no_new_privs", lambda: libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)),
            ("landlock", lambda: landlock.restrict(slot.ruleset)),
            ("seccomp", lambda: seccomp.install(self._filter)),
        ):
            if layer == "rlimits":
                # After the change of uid, which resets it: the child dies with the zygote.
                libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != zygote:
                    os._exit(1)
                libc.drop_capabilities()
            if self.has(layer):
                try:
                    enter()
                except OSError as error:
                    raise LayerError(layer, str(error)) from error
            if layer == "landlock" and slot.ruleset >= 0:
                os.close(slot.ruleset)  # shared with the zygote: whoever has it open can widen it

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

    def _set_up(self, slot: ChildSlot) -> None:
        """Mount a slot's folder with a quota if possible, give it to its user, and build its ruleset."""
        slot.quota = False
        if self.has("quota"):
            owner = "" if slot.uid is None else f",uid={slot.uid},gid={slot.uid}"
            flags = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
            data = f"size={self.disk_mb}m,nr_inodes={FILES},mode=700{owner}"
            try:
                libc.mount("sandbox", slot.folder, "tmpfs", flags, data)
                slot.quota = True
            except OSError as error:
                self.missing["quota"] = f"a private tmpfs cannot be mounted ({error.strerror})"
        if slot.uid is not None and not slot.quota:
            os.chown(slot.folder, slot.uid, slot.uid)
        if self.has("landlock"):
            own = landlock.SCRATCH if slot.quota else landlock.WRITE_FILES
            null = ("/dev/null", landlock.WRITE_FILES)
            slot.ruleset = landlock.ruleset([*self._rules, null, (slot.folder, own)])

    def _readable(self) -> Iterable[str]:
        # Entry by entry: the interpreter's own site-packages lies inside its standard library.
        library = os.path.dirname(os.path.realpath(os.__file__))
        for entry in os.scandir(library):
            if entry.name not in _NOT_FOR_AGENTS and not (entry.is_symlink() and entry.is_dir()):
                yield entry.path
        yield from ("/dev/urandom", "/usr/share/zoneinfo", "/etc/localtime", *self.readable)

    def _find_uids(self) -> None:
        if os.geteuid() != 0:
            self.missing["uid"] = "not root: agents keep this account's uid, the other layers hold them"
        elif not libc.has_capabilities(libc.CAP_SETUID, libc.CAP_SETGID, libc.CAP_CHOWN):
            self.missing["uid"] = "root without CAP_SETUID, CAP_SETGID and CAP_CHOWN"
        else:
            ours = 1_000_000_000 + os.getpid() % 200_000 * 1024
            if _uid_exists(ours, 1024):
                self._first_uid = ours
            elif _uid_exists(NOBODY, 1):
                self._first_uid = NOBODY
            else:
                self.missing["uid"] = "no other uid exists in this user namespace"

    def _enter_namespaces(self) -> None:
        wanted = {"network": libc.CLONE_NEWNET | libc.CLONE_NEWIPC, "quota": libc.CLONE_NEWNS}
        for layer, flags in wanted.items():
            if not self.has(layer):
                continue
            try:
                _unshare(flags)
            except OSError as error:
                self.missing[layer] = f"namespaces are not allowed here ({error.strerror})"
        if self.has("quota"):
            try:
                libc.mount("none", "/", None, libc.MS_REC | libc.MS_PRIVATE)
            except OSError as error:
                self.missing["quota"] = f"a private mount namespace is not allowed here ({error.strerror})"


def _within(kind: int, limit: int) -> int:
    """`limit`, or this process's own hard limit if that is lower."""
    ceiling = resource.getrlimit(kind)[1]
    return limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)


def _become(uid: int | None) -> None:
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def _unshare(flags: int) -> None:
    """Enter namespaces, through a user namespace if this account may not do it directly."""
    if libc.has_capabilities(libc.CAP_SYS_ADMIN):
        libc.unshare(flags)
        return
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:  # root without capabilities would lose access to its files in a user namespace
        raise PermissionError(1, "root without CAP_SYS_ADMIN")
    libc.unshare(flags | libc.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _uid_exists(first: int, count: int) -> bool:
    """Whether these user ids are mapped in this user namespace."""
    try:
        with open("/proc/self/uid_map") as file:
            ranges = [tuple(map(int, line.split())) for line in file]
    except OSError:
        return False
    return any(start <= first and first + count <= start + length for start, _, length in ranges)


def _mapped_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

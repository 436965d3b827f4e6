"""A listener outside the sandbox: hears locks on files that all may open, and wakes on pages of files."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
import threading
import time

__all__ = ["Ears"]

PLACES = ("/dev/null", "/dev/urandom", "/usr/share/zoneinfo/UTC", os.__file__)
FUTEX = {"x86_64": 202, "aarch64": 98}
WAIT_NS = 2_000_000
LOOKS, APART_S = 4, 0.0005


class Ears:
    """Listens in a thread until it is closed."""

    def __init__(self) -> None:
        self._heard: set[str] = set()
        self._files = {path: os.open(path, os.O_RDONLY) for path in PLACES if os.path.exists(path)}
        self._turn = os.open("/", os.O_RDONLY)  # listeners of other suites on this machine lock as well
        self._closed = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def heard(self) -> list[str]:
        """What was heard since the last time."""
        heard, self._heard = self._heard, set()
        return sorted(heard)

    def close(self) -> None:
        """Stop listening."""
        self._closed = True
        self._thread.join()
        for file in (self._turn, *self._files.values()):
            os.close(file)

    def _listen(self) -> None:
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        file = self._files[os.__file__]
        page = libc.mmap(None, ctypes.c_size_t(4096), mmap.PROT_READ, mmap.MAP_SHARED, file, ctypes.c_long(0))
        value = ctypes.c_int.from_address(page).value
        soon = ctypes.create_string_buffer(struct.pack("qq", 0, WAIT_NS))
        while not self._closed:
            if libc.syscall(FUTEX[os.uname().machine], ctypes.c_void_p(page), 0, value, soon, 0, 0) == 0:
                self._heard.add("a wake on a page of a file was heard outside")
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            for path, held in self._files.items():
                if self._locked(held):
                    self._heard.add(f"a lock on {path} was heard outside")
            fcntl.flock(self._turn, fcntl.LOCK_UN)
        libc.munmap(ctypes.c_void_p(page), ctypes.c_size_t(4096))

    @staticmethod
    def _locked(file: int) -> bool:
        """Whether somebody holds a lock. Other listeners of this machine hold theirs for an instant only."""
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
        if struct.unpack_from("h", fcntl.fcntl(file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK:
            return True
        for _ in range(LOOKS):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(APART_S)
            else:
                fcntl.flock(file, fcntl.LOCK_UN)
                return False
        return True

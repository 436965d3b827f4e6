"""Kills the processes that Ray leaves behind when its driver is killed. A script; standard library only.

Ray's helpers outlive a killed driver by a minute. `reaper.py MARK [FOLDER]` waits until its standard input is
closed, which happens however the driver ends, then kills all processes with MARK in their environment, and
removes FOLDER. Ray's processes overwrite their environment with their titles once they are up, so the script
looks for them while they start.
"""

import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

STARTING_S = 60.0
STARTING_POLL_S, POLL_S = 0.2, 5.0  # between two looks: while Ray starts, and later
PAUSE_S = 0.05
QUIET = 4  # looks that must find nothing before it ends: a dying process may just have started another one


def marked(mark: bytes) -> dict[int, str]:
    """Other processes with a mark in their environment: id -> when it was started."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if mark in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found[int(entry.name)] = started(int(entry.name))
    return found


def started(pid: int) -> str:
    """When a process was started, in ticks; `""` if it is gone. With the id, it identifies a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # What ends between the opening and the reading is read as nothing.
    return "" if not fields or fields[0] in "ZX" else fields[19]


def watch(mark: bytes) -> dict[int, str]:
    """Look for marked processes until standard input closes."""
    known: dict[int, str] = {}
    began = time.monotonic()
    while True:
        known |= marked(mark)
        pause = STARTING_POLL_S if time.monotonic() - began < STARTING_S else POLL_S
        if select.select([0], [], [], pause)[0] and not os.read(0, 4096):
            return known


def main() -> None:
    """Wait for the driver's end, then kill until nothing is left, and remove what Ray has written."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C is for the driver, which may take its time
    mark = sys.argv[1].encode()
    known = watch(mark)
    quiet = 0
    while quiet < QUIET:
        known |= marked(mark)
        living = [pid for pid, when in known.items() if when and started(pid) == when]
        quiet = 0 if living else quiet + 1
        for pid in living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_S)
    for folder in sys.argv[2:]:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

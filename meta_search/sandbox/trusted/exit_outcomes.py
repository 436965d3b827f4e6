"""What to make of a child that did not end as it should: an outcome's kind, and one line for the author."""

from __future__ import annotations

import os
import signal

from meta_search.config import SandboxConfig
from meta_search.sandbox.trusted.handle import Exit
from meta_search.sandbox.trusted.messages import MAX_LINE, Final
from meta_search.types import OutcomeKind

__all__ = ["fate_of", "limit_passed", "too_long"]

NO_MEMORY_STATUS = 71


def too_long(start: bytes) -> Final:
    """What a line over `MAX_LINE` is told as: by far the most likely is a prompt that grew."""
    if b'"call"' in start:
        return Final("context", "", f"a prompt of more than {MAX_LINE >> 20} MB", ())
    return Final("output", "", f"an answer or a message of more than {MAX_LINE >> 20} MB", ())


def limit_passed(exit_: Exit, config: SandboxConfig) -> tuple[OutcomeKind, str] | None:
    """Kind and one line where a child died of a limit or of what is forbidden, else `None`."""
    if exit_.why == "disk":
        return "disk", f"wrote more than {config.disk_mb} MB, or too many files"
    if exit_.why == "threads":
        return "refused", "started too many threads"
    killed = exit_.signal in (signal.SIGXCPU, signal.SIGKILL)
    if exit_.why == "cpu" or (killed and exit_.cpu_s >= config.cpu_s):
        return "cpu", f"used more than {config.cpu_s:g} s of CPU"
    if exit_.signal == signal.SIGSYS:
        return "refused", "made a system call that the sandbox forbids"
    return None


def fate_of(exit_: Exit, config: SandboxConfig) -> Final:
    """What to make of a child that ended without a final message."""
    passed = limit_passed(exit_, config)
    if passed is not None:
        kind, line = passed
        return Final(kind, "", f"{line}, its programs' included" if kind == "cpu" else line, ())
    number = exit_.signal
    if number == signal.SIGKILL:
        return Final("crash", "", "died of SIGKILL: it closed its pipe, or the machine ran out of memory", ())
    if number:
        return Final(
            "crash", "", f"died of {signal.Signals(number).name}, often endless recursion in C code", ()
        )
    status = os.WEXITSTATUS(exit_.status)
    if status == NO_MEMORY_STATUS:
        return Final("memory", "", f"used more than {config.memory_mb} MB", ())
    return Final("crash", "", f"ended its process (status {status}) before it answered", ())

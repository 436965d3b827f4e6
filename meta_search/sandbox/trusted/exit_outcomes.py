"""The outcome of a child that ended without a final message: its kind, and one line for the author."""

from __future__ import annotations

import os
import signal

from meta_search.config import SandboxConfig
from meta_search.sandbox.trusted.child_handle import Exit
from meta_search.sandbox.trusted.message_fields import MAX_LINE
from meta_search.sandbox.trusted.messages import Final
from meta_search.types import OutcomeKind

__all__ = ["limit_exceeded", "outcome_of", "outcome_of_long_line"]

NO_MEMORY_STATUS = 71


def outcome_of_long_line(start: bytes) -> Final:
    """The outcome of a message longer than `MAX_LINE`, most likely a prompt that grew.

    Args:
        start: Its first bytes.
    """
    if b'"call"' in start:
        return Final("context", "", f"a prompt of more than {MAX_LINE >> 20} MB", ())
    return Final("output", "", f"an answer or a message of more than {MAX_LINE >> 20} MB", ())


def limit_exceeded(exit_: Exit, config: SandboxConfig) -> tuple[OutcomeKind, str] | None:
    """Kind and one line if a child was ended by a limit or did what is forbidden, else `None`.

    Args:
        exit_: How it ended.
        config: The limits.
    """
    if exit_.why == "disk":
        return "disk", f"wrote more than {config.disk_mb} MB, or too many files"
    if exit_.why == "memory":
        return "memory", f"used more than {config.memory_mb} MB, its programs included"
    if exit_.why == "threads":
        return "refused", "started too many threads"
    killed = exit_.signal in (signal.SIGXCPU, signal.SIGKILL)
    if exit_.why == "cpu" or (killed and exit_.cpu_s >= config.cpu_s):
        return "cpu", f"used more than {config.cpu_s:g} s of CPU"
    if exit_.signal == signal.SIGSYS:
        return "refused", "made a system call that the sandbox forbids"
    return None


def outcome_of(exit_: Exit, config: SandboxConfig) -> Final:
    """The outcome of an item whose child ended without a final message.

    Args:
        exit_: How the child ended.
        config: The limits.
    """
    exceeded = limit_exceeded(exit_, config)
    if exceeded is not None:
        kind, line = exceeded
        included = ", its programs and comparisons included" if kind == "cpu" else ""
        return Final(kind, "", line + included, ())
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

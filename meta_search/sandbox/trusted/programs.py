"""Runs a program of an agent's in a sibling of the item's own process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from meta_search.config import SandboxConfig
from meta_search.sandbox.trusted.exit_outcomes import outcome_of
from meta_search.sandbox.trusted.messages import Program, ProtocolError, program_result
from meta_search.sandbox.trusted.zygote_handle import ZygoteHandle

__all__ = ["run_in_sibling"]


async def run_in_sibling(
    program: Program, item: int, zygote: ZygoteHandle, config: SandboxConfig, woken: Callable[[], None]
) -> tuple[bool, str]:
    """Whether a program ended without an error, and what it printed or the error.

    Args:
        program: What is run.
        item: Number of the item's child, to which the zygote charges the program's CPU time.
        zygote: Forks the sibling.
        config: Limits.
        woken: Called for each piece of data that comes from the sibling.

    Raises:
        SandboxError: No process can be started.
    """
    sibling = await zygote.spawn(item)
    try:
        sibling.reader.on_data = woken
        sibling.send({"program": program.code})
        async with asyncio.timeout(program.timeout):
            line = await sibling.reader.readuntil(b"\n")
        return program_result(line, config.output_kb)
    except TimeoutError:
        return False, f"TimeoutError: the program ran longer than {program.timeout:g} s"
    except ProtocolError as error:
        return False, str(error)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return False, outcome_of(await sibling.end(), config).detail
    finally:
        await sibling.end()

"""Starts the process that scorers' children are forked from, and hears from it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from meta_search.config import SandboxConfig
from meta_search.errors import DomainError, SandboxError
from meta_search.sandbox.trusted.handle import ZygoteHandle
from meta_search.sandbox.trusted.launch import options_of
from meta_search.text import one_line

__all__ = ["ScorerProcess"]

LOAD_S = 300.0  # a user's file may read much

# Without what the packages' __init__ import: asyncio is nothing that a zygote should have.
BOOT = """
import sys, types
sys.path.insert(0, {root!r})
for name in ("meta_search.sandbox", "meta_search.sandbox.confined"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [{root!r} + "/" + name.replace(".", "/")]
from meta_search.sandbox.confined import scorer_main
scorer_main.main()
"""


class ScorerProcess(ZygoteHandle):
    """A zygote whose children score answers; see `scorer_main`."""

    @classmethod
    async def open(
        cls, factory: str, arguments: Mapping[str, Any], config: SandboxConfig, layers: Iterable[str]
    ) -> ScorerProcess:
        """Start it, and wait until it has loaded the scorer.

        Raises:
            DomainError: The scorer cannot be loaded.
            SandboxError: The process does not start.
        """
        boot = BOOT.format(root=str(Path(__file__).resolve().parents[3]))

        def command(work: str, control: int) -> list[str]:
            options = {
                **options_of(config, layers, work, control),
                "path": [os.path.abspath(entry) for entry in sys.path],
                "factory": factory,
                "arguments": dict(arguments),
            }
            return [sys.executable, "-P", "-B", "-X", "utf8", "-c", boot, json.dumps(options)]

        handle = cls._launch(command)
        try:
            await handle._ready()
        except BaseException:
            handle._process.kill()
            await handle.close()
            raise
        return handle

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(LOAD_S):
                said = json.loads(await self._loop.sock_recv(self._control, 65536) or b"null")
        except TimeoutError as error:
            raise DomainError(f"the scorer did not load within {LOAD_S:g} s") from error
        except OSError:
            said = None
        if said is None:
            raise SandboxError(f"the scorer's process does not start: {self._last_words()}")
        if said["op"] == "failed":
            raise DomainError(f"the scorer cannot be loaded in a process of its own: {one_line(said['why'])}")
        self.missing = dict(said["missing"])
        self._loop.add_reader(self._control, self._hear)

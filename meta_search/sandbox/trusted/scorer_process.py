"""The trusted end of the process from which scorers' children are forked."""

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
from meta_search.sandbox.trusted.launch import options_of
from meta_search.sandbox.trusted.zygote_handle import ZygoteHandle
from meta_search.text import one_line

__all__ = ["ScorerProcess"]

LOAD_S = 300.0  # a user's file may read large data

# Without the packages' __init__, which import asyncio: a zygote should not have it.
BOOT = """
import sys, types
sys.path.insert(0, {root!r})
for name in ("meta_search.sandbox", "meta_search.sandbox.confined"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [{root!r} + "/" + name.replace(".", "/")]
from meta_search.sandbox.confined import scorer_main
scorer_main.main()
"""
ARGUMENTS = "arguments.json"


class ScorerProcess(ZygoteHandle):
    """A zygote whose children score answers; see `scorer_main`."""

    @classmethod
    async def open(
        cls, factory: str, arguments: Mapping[str, Any], config: SandboxConfig, layers: Iterable[str]
    ) -> ScorerProcess:
        """Start it, and wait until it has loaded the scorer.

        Args:
            factory: `module:function` that makes the scorer.
            arguments: Its keyword arguments, JSON values.
            config: Limits of its children.
            layers: Layers to use.

        Raises:
            DomainError: The scorer cannot be loaded.
            SandboxError: The process does not start.
        """
        boot = BOOT.format(root=str(Path(__file__).resolve().parents[3]))

        def command(work: str, control: int) -> list[str]:
            # A command line holds 128 KB; and others on this machine see it.
            given = Path(work) / ARGUMENTS
            given.touch(0o600)
            given.write_text(json.dumps(dict(arguments)), encoding="utf-8")
            options = {
                **options_of(config, layers, work, control),
                "path": [os.path.abspath(entry) for entry in sys.path],
                "factory": factory,
                "arguments": str(given),
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
                message = json.loads(await self._loop.sock_recv(self._control, 65536) or b"null")
        except TimeoutError as error:
            raise DomainError(f"the scorer did not load within {LOAD_S:g} s") from error
        except OSError:
            message = None
        if message is None:
            raise SandboxError(f"the scorer's process does not start: {self._last_words()}")
        if message["op"] == "failed":
            raise DomainError(
                f"the scorer cannot be loaded in a process of its own: {one_line(message['why'])}"
            )
        self.missing = dict(message["missing"])
        self._loop.add_reader(self._control, self._on_message)

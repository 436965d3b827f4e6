"""The sandbox: runs agents on items, each in a confined process of its own."""

from __future__ import annotations

import asyncio
import functools
import os
import re
from collections.abc import Iterable
from pathlib import Path

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox.trusted.broker import LLM, Broker
from meta_search.sandbox.trusted.equality import Equality
from meta_search.sandbox.trusted.launch import require_layers
from meta_search.sandbox.trusted.layers import LAYERS
from meta_search.sandbox.trusted.zygote_handle import ZygoteHandle, ZygoteLost
from meta_search.types import ItemJob, ItemResult

__all__ = ["Sandbox", "layers", "needs_numpy"]

ATTEMPTS = 3
SPARES = 1  # children that are confined before there is a job for them; two were not faster
# What names it, runs a program or loads code, or looks at what is loaded.
NUMPY = re.compile(
    r"(?<!re\.)\b(np|numpy|run_python|run_examples_and_get_feedback|get_test_output_from_code|exec|eval|compile"
    r"|import_module|importlib|__import__|modules|globals|vars|getattr|methodcaller|attrgetter|sys\.path|runpy"
    r"|InteractiveInterpreter|InteractiveConsole|timeit|doctest|pickle|marshal|resolve_name|pydoc)\b|__\w+__"
)
RUNTIME = Path(__file__).resolve().parents[2] / "agent"


class Sandbox:
    """Runs any number of items at a time. All methods belong to one event loop.

    Args:
        config: Level and limits. At level `strict`, a required layer that does not work is an error; at
            `process`, the sandbox does without it.
        runtime: Folder of the package that candidate code runs in; its `runtime.run_item(job, channel)`
            returns the final message.
        layers: Layers to use, for tests; all of them by default.
    """

    def __init__(
        self, config: SandboxConfig, runtime: Path | None = None, layers: Iterable[str] = LAYERS
    ) -> None:
        self._config = config
        self._runtime = (runtime or RUNTIME).resolve()
        self._layers = tuple(layers)
        self._zygote: ZygoteHandle | None = None
        self._with_numpy: ZygoteHandle | None = None
        self._starting = asyncio.Lock()
        self._equality = Equality(config, self._layers)

    @property
    def missing(self) -> dict[str, str]:
        """Layer that does not work -> why; empty before `start`."""
        return {} if self._zygote is None else dict(self._zygote.missing)

    async def start(self) -> None:
        """Start the zygote, unless it runs.

        Raises:
            SandboxError: It does not start, or a required layer is missing; says what to do.
        """
        await self._started(numpy=False)

    async def _zygote_for(self, source: str) -> ZygoteHandle:
        """The zygote for an agent: NumPy makes every fork dearer, also for those that do without."""
        return await self._started(numpy=needs_numpy(source))

    async def _started(self, numpy: bool) -> ZygoteHandle:
        async with self._starting:
            kept = self._with_numpy if numpy else self._zygote
            if kept is not None and not kept.lost:
                return kept
            if kept is not None:
                await kept.close()
            zygote = await ZygoteHandle.start(self._config, self._layers, self._runtime, SPARES, numpy)
            try:
                require_layers(zygote.missing, self._layers, self._config.level)
            except SandboxError:
                await zygote.close()
                raise
            if numpy:
                self._with_numpy = zygote
            else:
                self._zygote = zygote
            return zygote

    async def run(self, job: ItemJob, llm: LLM) -> ItemResult:
        """Run one agent on one item. A failure of the agent is the result's `kind`, not an exception.

        If the zygote is killed, the item is run again, and makes its calls again.

        Args:
            job: The item and its agent.
            llm: Answers its calls.

        Raises:
            SandboxError: No process can be started.
        """
        for _ in range(ATTEMPTS):
            zygote = await self._zygote_for(job.agent.source)
            try:
                return await Broker(job, llm, self._config, zygote, self._equality).run()
            except ZygoteLost:
                continue
        raise SandboxError(
            f"the sandbox's process died {ATTEMPTS} times under agent {job.agent.id}; is there memory left?"
        )

    async def close(self) -> None:
        """End everything that runs. May be called twice."""
        await self._equality.close()
        for zygote in (self._zygote, self._with_numpy):
            if zygote is not None:
                await zygote.close()
        self._zygote = self._with_numpy = None


def layers() -> list[tuple[str, bool, str]]:
    """Find out which layers work on this machine, with a zygote that tests them and ends.

    Not to be called within an event loop.

    Returns:
        (name, whether it works, detail) of each layer.

    Raises:
        SandboxError: The zygote does not start.
    """
    return asyncio.run(_layers())


async def _layers() -> list[tuple[str, bool, str]]:
    zygote = await ZygoteHandle.start(SandboxConfig(), LAYERS, None)
    await zygote.close()
    detail = {**DETAIL, **zygote.notes, **zygote.missing}
    return [(name, name not in zygote.missing, detail[name]) for name in LAYERS]


@functools.lru_cache(maxsize=128)  # an agent runs on many items, and a search takes up to 0.3 ms
def needs_numpy(source: str) -> bool:
    """Whether an agent might use NumPy: it names it, or it runs code that may name it."""
    return NUMPY.search(source) is not None


DETAIL = {
    "rlimits": "CPU, memory, file size, open files",
    "no_new_privs": "no setuid programs",
    "landlock": "no files but the standard library and a folder of its own",
    "seccomp": "no sockets, programs, processes, signals to others",
    "uid": f"a user id of its own for each agent (this account: {os.geteuid()})",
    "network": "an empty network of its own",
    "quota": "disk space bounded by a private file system",
    "files": "a file tree of its own: no /proc, no sizes and times of other files",
    "processes": "process ids of its own",
}

"""Who can reach what of a Ray that is started as a run starts it: every port, and the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from meta_search.commands.check import Check, State
from meta_search.config import RayConfig
from meta_search.errors import MetaSearchError
from meta_search.evaluators.ray_ports import Port, below, listening, reply
from meta_search.types import CallReply, CallRequest

__all__ = ["reach"]

KEEPS_OUT = {
    "refused": "refuses whoever has no token of this run",
    "hangs up": "hangs up on whoever has no key of this run",
    "unreachable": "takes no connection",
    "metrics": "shows Ray's metrics to whoever asks, and takes no orders (a part of ray[default])",
}
PLAIN = {"ray::IDLE": "idle worker", "ray::Shell": "workers, gateway", "ray::RuntimeEnvAgent": "agent"}


class _NoGateway:
    """Stands where the gateway is, so that the port on which workers ask it is there."""

    async def call(self, request: CallRequest) -> CallReply:
        raise MetaSearchError("there is no gateway here")


def reach() -> Iterator[Check]:
    """Start Ray, ask each of its ports something without key or token, and look at its folder. Takes 10 s.

    A Ray that this process has up already is looked at and left up.
    """
    from meta_search.evaluators.ray_pool import RayHost, start_ray, stop_ray
    from meta_search.evaluators.ray_start import folder_of_ray

    try:
        notes = start_ray(RayConfig())
    except MetaSearchError as error:
        yield Check("ray", "fail", str(error))
        return
    try:
        host = RayHost(_NoGateway)
        try:
            yield from _ports(listening(below(os.getpid())))
        finally:
            host.close()
        yield from (Check("ray key", "warn", note.removeprefix("warning: ")) for note in notes)
        yield from _folder(folder_of_ray())
    except MetaSearchError as error:
        yield Check("ray", "fail", str(error))
    finally:
        stop_ray()


def _ports(ports: list[Port]) -> Iterator[Check]:
    """One line for the ports of processes of one name that answer alike."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for port in ports:
        answered = reply(port.address, port.number)
        process = "the driver" if port.pid == os.getpid() else PLAIN.get(port.process, port.process)
        alike.setdefault((process, port.address, answered), []).append(str(port.number))
    for (process, address, answered), numbers in alike.items():
        near = Port(0, process, address, 0).loopback
        shut = near and answered != "metrics"
        state: State = "fail" if answered not in KEEPS_OUT else "ok" if shut else "warn"
        who = "this machine only" if near else "every machine that gets through your firewall"
        what = KEEPS_OUT.get(answered, f"answers whoever asks ({answered})")
        where = f"{address} port {', '.join(numbers)}"
        yield Check(f"ray {process}", state, f"{where}: reached from {who}; {what}")


def _folder(folder: os.PathLike[str] | None) -> Iterator[Check]:
    if folder is None:
        return
    mode = os.stat(folder).st_mode
    closed = not mode & (stat.S_IRWXG | stat.S_IRWXO)
    who = (
        "sockets, key and logs: this account only" if closed else "other accounts can read sockets, key, logs"
    )
    yield Check("ray folder", "ok" if closed else "fail", f"{folder} ({stat.filemode(mode)}): {who}")

"""Hostile agents of `tests/hostile`: what comes of each, and that the traps would notice one that gets out.

Each runs against the real runtime, with limits of its own size; after each few, an honest agent is evaluated
by the same processes, nothing is left and nothing outside was touched. The same as another account: see
`test_sandbox_nobody`. All modes and the table: `python -m tests.hostile`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.attack import Attack
from tests.hostile.catalogue import ATTACKS, PLAIN, within
from tests.hostile.house import House, Verdict
from tests.hostile.modes import here, house
from tests.hostile.table import line_of, markdown
from tests.kits.bare_sandbox import BareSandbox, write_runtime


def named(attack: Attack) -> str:
    return f"{attack.subject}: {attack.name}"


@pytest.fixture(scope="module")
def inline() -> Iterator[House]:
    with house() as opened:
        yield opened


# Side by side they take a fifth of the time; of some after which anything is found, each runs again alone.
# Bombs are not faster so, and hold up their neighbours.
HERE = here()
ALONE = [a for a in within(PLAIN, HERE) if not a.waits and a.subject == "bombs"]
TOGETHER = [attack for attack in within(PLAIN, HERE) if attack not in ALONE]
AGAIN = [attack for attack in within(ATTACKS, HERE) if attack not in PLAIN]


@pytest.fixture(scope="module")
def together(inline: House) -> dict[str, Verdict]:
    """All others."""
    return {named(verdict.attack): verdict for verdict in inline.run_all(TOGETHER, together=True)}


@pytest.fixture(scope="module")
def again(inline: House) -> dict[str, Verdict]:
    """The same in programs and maps."""
    return {named(verdict.attack): verdict for verdict in inline.run_all(AGAIN, together=True)}


@pytest.mark.parametrize("attack", ALONE, ids=named)
def test_hostile_agent(inline: House, attack: Attack) -> None:
    verdict = inline.run([attack])[0]
    assert verdict.good, line_of(verdict)


@pytest.mark.parametrize("name", [named(attack) for attack in TOGETHER])
def test_hostile_agent_among_others(together: dict[str, Verdict], name: str) -> None:
    assert together[name].good, line_of(together[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [named(attack) for attack in AGAIN])
def test_hostile_agent_in_programs_and_maps(again: dict[str, Verdict], name: str) -> None:
    assert again[name].good, line_of(again[name])


def test_names_are_unique_and_every_attack_says_what_it_tries() -> None:
    assert len({named(attack) for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.tries and attack.kinds for attack in ATTACKS)
    for attack in ATTACKS:
        if "@" not in attack.source:
            compile(attack.source, attack.name, "exec")


# Harmless ones: without walls they do get out.
GETS_OUT = {
    "files: write outside": "open/written was changed",
    "files: the targets": "the target is known",
    "files: a file of keys": "the key is known",
    "files: append to the archive": "house/archive.db was changed",
    "files: remove": "open/bait was removed",
    "files: mode": "open was changed",
    "files: write to /tmp": "was written",
    "network: TCP": "TCP was knocked at",
    "network: UDP": "UDP was knocked at",
    "network: Unix socket": "the socket in a folder was knocked at",
    "network: abstract socket": "the abstract socket was knocked at",
    "network: abstract datagram": "the abstract datagrams was knocked at",
    "bombs: fork": "it says that it got through",
    "processes: subprocess": "it says that it got through",
}


@pytest.mark.slow
def test_traps_notice_agents_that_get_out() -> None:
    """The same attacks without Landlock, seccomp and namespaces: each is noticed for what it did."""
    chosen = [attack for attack in PLAIN if named(attack) in GETS_OUT]
    assert len(chosen) == len(GETS_OUT)
    with house(layers=["rlimits"]) as unlocked:
        verdicts = [unlocked.run([attack])[0] for attack in chosen]
    for verdict in verdicts:
        found = "; ".join(verdict.escaped)
        assert GETS_OUT[named(verdict.attack)] in found, (named(verdict.attack), verdict.kind, found)


def test_traps_notice_what_is_left(inline: House) -> None:
    """A child in use, a file in a slot, a descriptor and a thread of the driver: each is told."""
    held = os.open(os.devnull, os.O_RDONLY)
    verdict = inline.run([next(attack for attack in PLAIN if attack.kinds == {"bad_answer"})])[0]
    os.close(held)
    assert any("descriptors and threads of the driver" in what for what in verdict.escaped)
    assert inline.run([verdict.attack])[0].good


def test_table_shows_each_mode_and_escapes_no_markup() -> None:
    attack = Attack("a | b", "subject", "tries <b>", "", frozenset({"ok"}))
    lines = [
        line_of(Verdict(attack, "ok", "", answer, 0.1, escaped))
        for answer, escaped in (("x", ()), ("y", ("got | it",)))
    ]
    table = markdown({"root, inline": lines[:1], "nobody, inline": lines[1:]})
    assert "| subject: a \\| b | tries &lt;b> | ok: 'x' | ok | got \\| it |" in table
    assert "- nobody, inline: 1 of 1 attacks escape" in table


# Layer by layer: what each keeps out with the others switched off, and what it does not.
READ = "return open('/etc/passwd').read(4)"
FORK = "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)\nreturn 'forked'"
WRITE = "open('f', 'wb').write(bytes(3 * 10**6))\nopen('g', 'wb').write(bytes(3 * 10**6)); return 'wrote'"
GROW = "return str(len(bytearray(2 * 10**8)))"
WHO = "import os\nreturn str(os.getuid())"


@pytest.mark.parametrize(
    ("layers", "outcomes"),
    [
        ((), {READ: "ok", FORK: "ok", GROW: "ok"}),
        (("landlock", "no_new_privs"), {READ: "refused", FORK: "ok", GROW: "ok"}),
        (("seccomp", "no_new_privs"), {READ: "ok", FORK: "refused", GROW: "ok"}),
        (("rlimits",), {READ: "ok", FORK: "ok", GROW: "memory"}),
        (("quota",), {READ: "ok", FORK: "ok", WRITE: "disk"}),
    ],
)
def test_what_each_layer_keeps_out(tmp_path: Path, layers: tuple[str, ...], outcomes: dict[str, str]) -> None:
    runtime = write_runtime(tmp_path)
    with BareSandbox(runtime, layers, level="process", memory_mb=128, disk_mb=4) as bench:
        if set(layers) & set(bench.sandbox.missing):
            pytest.skip(str(bench.sandbox.missing))
        for body, kind in outcomes.items():
            assert bench.body(body).kind == kind, body


def test_a_process_left_behind_is_killed_without_seccomp(tmp_path: Path) -> None:
    leave = "import os, time\npid = os.fork()\nif pid == 0:\n  os.setsid(); time.sleep(99)\nreturn str(pid)"
    with BareSandbox(write_runtime(tmp_path), ("rlimits",), level="process") as bench:
        assert bench.body(leave).kind == "ok"
        assert bench.children() == []


def test_user_of_its_own(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    runtime = write_runtime(tmp_path)
    with BareSandbox(runtime) as bench:
        assert int(bench.body(WHO).answer) >= 65534
    with BareSandbox(runtime, ("rlimits",), level="process") as bench:
        assert bench.body(WHO).answer == "0"


@pytest.mark.parametrize("own", [True, False])
def test_network_of_its_own(tmp_path: Path, own: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        body = f"import socket\nsocket.create_connection({address!r}, 1)\nreturn 'through'"
        with BareSandbox(write_runtime(tmp_path), ("network",) if own else (), level="process") as bench:
            if own and "network" in bench.sandbox.missing:
                pytest.skip(bench.sandbox.missing["network"])
            assert bench.body(body).kind == ("crash" if own else "ok")


def test_disk_is_bounded_without_a_file_system_of_its_own(tmp_path: Path) -> None:
    layers = ("rlimits", "no_new_privs", "landlock", "seccomp", "uid")
    with BareSandbox(write_runtime(tmp_path), layers, disk_mb=4) as bench:
        many = "import time\nfor i in range(9): open(str(i), 'wb').write(bytes(10**6))\ntime.sleep(9)"
        assert bench.body(many).kind == "disk"
        hidden = "import os\nwith open('f', 'wb') as f: os.unlink('f')"
        assert bench.body(hidden).kind == "refused"
        assert bench.body("import os\nos.mkdir('deep')").kind == "refused"
        assert bench.body("import os\nreturn str(os.listdir('.'))").answer == "[]"


# Last: once this process is Ray's driver, its descriptors and threads come and go.
@pytest.mark.ray
@pytest.mark.slow
def test_hostile_agents_on_ray(ray_cluster: None) -> None:
    with house(on_ray=True) as on_ray:
        verdicts = list(on_ray.run_all(within(PLAIN, HERE), together=True))
    assert [line_of(verdict) for verdict in verdicts if not verdict.good] == []
    assert len(verdicts) == len(within(PLAIN, HERE))

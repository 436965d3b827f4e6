"""`meta-search doctor` and `meta-search models`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from meta_search import cli
from meta_search.commands import doctor, ray_reach
from meta_search.commands.remedies import Machine, remedy
from meta_search.evaluators.ray_ports import Port
from meta_search.sandbox.trusted.layers import LAYERS, REQUIRED_LAYERS


def test_the_doctor_finds_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    status = cli.main(["doctor", "--json"])
    text = capsys.readouterr().out
    assert "secret" not in text
    found = {check["name"]: check for check in json.loads(text)}
    assert status == int(any(check["state"] == "fail" for check in found.values()))
    assert found["keys"]["detail"] == "set: OPENAI_API_KEY"
    assert {"ray", "optuna", "litellm", "cores", "disk runs", "python"} <= found.keys()
    assert {f"sandbox {layer}" for layer in REQUIRED_LAYERS} <= found.keys()
    missing = [check for name, check in found.items() if name.startswith("model ")]
    assert len(missing) >= 2
    assert all("models pull" in check["detail"] and check["state"] == "warn" for check in missing)


def test_a_stolen_or_missing_library_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: {"litellm": "1.82.8", "ray": None}.get(name, "1.0"))
    assert cli.main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("fail  litellm") and "steals credentials" in line for line in lines)
    assert any(line.startswith("fail  ray") for line in lines)
    assert lines[-1] == "a search cannot run here: ray, litellm"


def test_a_ray_that_lets_strangers_in_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: "2.50.0")
    (check,) = [check for check in doctor._libraries() if check.name == "ray"]
    assert check.state == "fail"
    assert "pip install 'ray>=" in check.detail


@pytest.mark.ray
@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl: Ray has no key here")
def test_who_can_reach_ray_is_shown(ray_cluster: None) -> None:
    found = list(ray_reach.reach())
    names = {check.name for check in found}
    assert {"ray gcs_server", "ray raylet", "ray the driver", "ray workers, gateway", "ray folder"} <= names
    assert {check.state for check in found} == {"ok"}
    ports = [check.detail for check in found if check.name != "ray folder"]
    assert all(": reached from this machine only; " in detail for detail in ports)
    assert any("no key of this run" in detail for detail in ports)


@pytest.mark.parametrize(
    ("address", "answered", "state", "words"),
    [
        ("127.0.0.1", "metrics", "warn", "this machine only; shows Ray's metrics"),
        ("::", "refused", "warn", "every machine that gets through your firewall; refuses"),
        ("0.0.0.0", "open: A/B ended with gRPC status 0", "fail", "answers whoever asks (open: A/B"),
        (
            "127.0.0.1",
            "open: A/B ended with gRPC status 0",
            "fail",
            "this machine only; answers whoever asks",
        ),
    ],
)
def test_a_port_that_is_open_is_told(
    monkeypatch: pytest.MonkeyPatch, address: str, answered: str, state: str, words: str
) -> None:
    monkeypatch.setattr(ray_reach, "reply", lambda address, number: answered)
    (check,) = ray_reach._ports([Port(1, "raylet", address, 7), Port(2, "raylet", address, 8)])
    assert (check.name, check.state) == ("ray raylet", state)
    assert f"{address} port 7, 8: reached from " in check.detail
    assert words in check.detail


def test_models_are_listed_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path))
    assert cli.main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 2
    assert all(row["path"] is None and row["size"] > 10**8 and row["licence"] for row in rows)
    assert cli.main(["models", "list", rows[0]["name"]]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert cli.main(["models", "pull", "gpt"]) == 2


# -- layers of the sandbox that are missing

WITHOUT_LANDLOCK = """
import os, struct, sys
from meta_search.sandbox.confined import libc, seccomp
op = lambda code, value, yes=0, no=0: struct.pack("=HBBI", code, yes, no, value)
libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
enosys, allow = 0x00050000 | 38, 0x7FFF0000
seccomp.install(op(0x20, 0) + op(0x15, 444, 0, 1) + op(6, enosys) + op(6, allow))
os.execv(sys.executable, [sys.executable, "-m", "meta_search", "doctor", *sys.argv[1:]])
"""


def run_doctor(command: list[str], root: Path, *more: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([*command, *more], capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout


def test_a_kernel_without_landlock_is_told_with_what_to_do(root: Path) -> None:
    """A system call filter takes Landlock away from the doctor and from the sandbox that it starts."""
    command = [sys.executable, "-c", WITHOUT_LANDLOCK]
    status, shown = run_doctor(command, root, "--json")
    assert status == 1
    found = {check["name"]: check for check in json.loads(shown)}
    landlock = found["sandbox landlock"]
    assert landlock["state"] == "fail"
    assert landlock["detail"].startswith("missing: ")
    assert landlock["detail"].endswith(remedy("landlock", Machine.here()))
    assert found["sandbox seccomp"]["state"] == "ok"
    assert "sandbox.level=process" in found["sandbox"]["detail"]
    _, table = run_doctor(command, root)
    assert "a search cannot run here: sandbox landlock, sandbox" in table


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="takes a power from root")
def test_layers_that_are_optional_are_warnings(root: Path) -> None:
    less = ["setpriv", "--inh-caps=-sys_admin,-setuid", "--bounding-set=-sys_admin,-setuid", "--"]
    status, shown = run_doctor([*less, sys.executable, "-m", "meta_search", "doctor"], root, "--json")
    found = {check["name"]: check for check in json.loads(shown)}
    for layer in ("uid", "network", "quota"):
        check = found[f"sandbox {layer}"]
        assert check["state"] == "warn"
        assert "; optional: " in check["detail"]
    assert status == int(any(check["state"] == "fail" for check in found.values()))


HOST = Machine("6.1.0-18-amd64")


@pytest.mark.parametrize(
    ("layer", "machine", "words"),
    [
        ("landlock", replace(HOST, release="5.10.0-28-amd64"), "update the kernel: this is Linux 5.10.0-28"),
        ("landlock", replace(HOST, release="5.4.0", container=True), "update the host's kernel"),
        ("landlock", replace(HOST, lsm=("yama", "bpf")), "boot with lsm=landlock,yama,bpf"),
        ("landlock", replace(HOST, container=True), "--security-opt seccomp="),
        ("landlock", replace(HOST, lsm=("landlock",), container=True), "landlock_create_ruleset"),
        ("landlock", HOST, "/sys/kernel/security/lsm"),
        ("seccomp", HOST, "CONFIG_SECCOMP_FILTER=y"),
        ("uid", HOST, "only root"),
        ("uid", replace(HOST, root=True, container=True), "--cap-add=SETUID"),
        ("network", replace(HOST, settings={"kernel.unprivileged_userns_clone": "0"}),
         "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("quota", replace(HOST, settings={"kernel.apparmor_restrict_unprivileged_userns": "1"}),
         "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ("network", replace(HOST, settings={"user.max_user_namespaces": "63000"}), "allow user namespaces"),
        ("network", replace(HOST, root=True, container=True), "--cap-add=SYS_ADMIN"),
        ("network", replace(HOST, root=True), "CAP_SYS_ADMIN"),
    ],
)  # fmt: skip
def test_remedies_fit_the_machine(layer: str, machine: Machine, words: str) -> None:
    assert words in remedy(layer, machine)
    assert "\n" not in remedy(layer, machine)


def test_every_layer_has_a_remedy() -> None:
    assert all(remedy(layer, HOST) for layer in LAYERS)
    assert remedy("moat", HOST) == ""
    assert Machine("unknown").version == (0, 0)

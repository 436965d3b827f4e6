"""Keys and passwords that were typed where they do not belong: used, or refused, and stored nowhere."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from meta_search import cli
from meta_search.compose import compose
from meta_search.config import from_mapping
from meta_search.errors import ConfigError
from meta_search.run.secrets import HIDDEN, check_addresses, check_given, hidden_keys, stored, stored_words
from meta_search.testing import CountingEndpoint
from meta_search.text import shell_path, without_passwords
from tests.kits.answers import mind
from tests.kits.searches import composed_search

SECRET = "s3cr3t-0123456789"
MODELS = ("llm=endpoint", "llm.meta.model=m", "llm.task.model=t")


def files_with(secret: str, folder: Path) -> list[str]:
    found = [str(p) for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    for file in folder.rglob("archive.db"):
        with sqlite3.connect(file) as database:
            found += [f"{file}: dump" for line in database.iterdump() if secret in line]
        database.close()
    return found


@pytest.mark.parametrize(
    ("key", "name", "value", "hides"),
    [
        ("llm.extra_headers", "Authorization", f"Bearer {SECRET}", True),
        ("llm.extra_headers", "authorization", SECRET, True),
        ("llm.extra_headers", "X-Api-Key", SECRET, True),
        ("llm.extra_headers", "api-key", SECRET, True),
        ("llm.extra_headers", "Ocp-Apim-Subscription-Key", SECRET, True),
        ("llm.extra_headers", "Cookie", f"session={SECRET}", True),
        ("llm.extra_headers", "X-Auth-Token", SECRET, True),
        ("llm.extra_headers", "X-Whatever", f"sk-{SECRET}", True),
        ("llm.extra_headers", "X-Whatever", f"Basic {SECRET}", True),
        ("llm.extra_headers", "x-functions-key", SECRET, True),
        ("llm.extra_headers", "clientSecret", SECRET, True),
        ("llm.extra_headers", "X-Whatever", f"gsk_{SECRET}", True),
        ("llm.extra_headers", "X-Whatever", f"eyJhbGciOi.{SECRET}", True),
        ("llm.extra_headers", "Authorization", "Bearer $MY_KEY", False),
        ("llm.extra_headers", "X-Api-Key", "$MY_KEY", False),
        ("llm.extra_headers", "X-Team", "search", False),
        ("llm.extra_headers", "User-Agent", "me/1.0", False),
        ("llm.extra_body", "api_key", SECRET, True),
        ("llm.extra_body", "max_tokens", 100, False),
        ("llm.extra_body", "prompt_cache_key", "mine", False),
        ("llm.extra_body", "reasoning_effort", "low", False),
        ("llm.task.extra", "access_token", SECRET, True),
        ("llm.meta.extra", "password", SECRET, True),
    ],
)
def test_a_key_is_not_stored_and_given_again(key: str, name: str, value: object, hides: bool) -> None:
    groups = {"extra_headers": {}, "extra_body": {}, "task": {}, "meta": {}}
    group, _, last = key.removeprefix("llm.").partition(".")
    groups[group] = {last: {name: value}} if last else {name: value}
    config = compose(MODELS, llm={k: v for k, v in groups.items() if v})
    kept = from_mapping(stored(config))
    assert (SECRET in repr(kept)) is False
    assert (HIDDEN in repr(kept)) is hides
    assert (kept == config) is not hides
    assert hidden_keys(kept) == ((key,) if hides else ())
    assert SECRET not in "".join(stored_words(config, [f"{key}={{{name}:{value}}}", "seed=3"]))
    check_given(kept, config)
    if hides:
        with pytest.raises(ConfigError, match=f"{key} holds a key, which is not stored"):
            check_given(kept, kept)


@pytest.mark.parametrize(
    "word",
    [
        f"llm.base_url=https://me:{SECRET}@host/v1",
        f"llm.base_url=me:{SECRET}@host:8000/v1",
        f"llm.base_url=https://host/v1?api_key={SECRET}",
        f"llm.base_url=https://host/v1?api-version=1&key={SECRET}",
        f"llm.base_url=https://host/v1?code={SECRET}",
        f"llm.task.base_url=https://:{SECRET}@host/v1",
        f"llm.judge.base_url=https://host/v1?access_token={SECRET}",
        f"ray.address=ray://me:{SECRET}@host:10001",
        f"domain.path=https://me:{SECRET}@host/items.csv",
    ],
)
@pytest.mark.parametrize("verb", ["run", "evaluate"])
def test_an_address_holds_no_password(
    word: str, verb: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.txt").write_text("Answer.")
    agents = ["a.txt"] if verb == "evaluate" else []
    assert cli.main([verb, *agents, *MODELS, "llm.base_url=http://host/v1", word]) == 2
    said = capsys.readouterr().err
    assert f"{word.partition('=')[0]} holds a password, which would be kept with the run" in said
    assert SECRET not in said
    assert not Path("runs").exists()


def test_a_key_in_place_of_its_variables_name_is_not_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*MODELS, "llm.base_url=http://127.0.0.1:9/v1", f"llm.api_key_env=sk-{SECRET}")
    assert cli.main(["run", *words]) == 2
    said = capsys.readouterr().err
    assert "llm.api_key_env is no name of a variable" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "address",
    ["https://host/v1?api-version=2024", "http://127.0.0.1:8000/v1", "host:8000", "my@file.csv", "a@b/c.csv"],
)
def test_other_addresses_pass(address: str) -> None:
    check_addresses(compose([*MODELS, f"llm.base_url={address}", f"domain.path={address}"]))


@pytest.mark.parametrize(
    "word",
    [
        "llm.extra_headers={Authorization:Basic\\ s3\\,cr3t}",
        "llm.extra_headers={Authorization:'Basic s3\\'cr3t'}",
        "+llm.extra_headers.Authorization='Basic s3\\'cr3t'",
        "++llm.extra_body={auth:{token:s3\\ cr3t}}",
    ],
)
def test_a_key_that_is_typed_otherwise_than_it_is_read_is_not_stored(word: str) -> None:
    config = compose([*MODELS, word])
    assert "cr3t" not in repr(stored(config))
    assert "cr3t" not in repr(stored_words(config, [word, "seed=3"]))
    assert stored_words(config, ["seed=3"]) == ["seed=3"]


@pytest.mark.slow
def test_a_run_stores_no_key_and_asks_for_it_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A search that was stopped, with a key typed as a header: no file has it, and resume asks."""
    headers = f"llm.extra_headers={{Authorization:Bearer {SECRET}}}"
    with CountingEndpoint(mind) as endpoint:
        words = composed_search(folder, endpoint, "llm.max_retries=0", "search.candidates=1", headers)
        assert cli.main(["run", *words, "budget.calls=40"]) in (0, 3)
        assert files_with(SECRET, folder) == []
        assert SECRET not in "".join(capsys.readouterr())
        for command in (["report", "run"], ["export", "run", "--to", "out"], ["archive", "list", "run"]):
            assert cli.main(command) == 0
        assert files_with(SECRET, folder) == []
        capsys.readouterr()
        assert cli.main(["resume", "run", "budget.calls=200"]) == 2
        assert "llm.extra_headers holds a key, which is not stored" in capsys.readouterr().err
        assert cli.main(["resume", "run", "budget.calls=200", headers]) == 0
        assert files_with(SECRET, folder) == []


@pytest.mark.slow
def test_a_sweep_stores_no_key(folder: Path) -> None:
    headers = f"llm.extra_headers={{X-Api-Key:{SECRET}}}"
    with CountingEndpoint(mind) as endpoint:
        words = composed_search(folder, endpoint, "search.candidates=0", "budget.calls=20", headers)
        words = [word for word in words if not word.startswith("run.dir")]
        assert cli.main(["run", "--multirun", *words, "seed=1,2"]) in (0, 3)
    assert len(list(Path("runs").glob("*/config.json"))) == 2
    assert files_with(SECRET, folder) == []


def test_a_run_is_its_owners_alone(folder: Path) -> None:
    mask = os.umask(0o022)
    try:
        with CountingEndpoint(mind) as endpoint:
            words = composed_search(folder, endpoint, "search.candidates=0", "run.dir=runs/one")
            assert cli.main(["run", *words, "budget.calls=30"]) in (0, 3)
        assert cli.main(["export", "runs/one", "--to", "out"]) == 0
    finally:
        os.umask(mask)
    modes = {
        name: Path(name).stat().st_mode & 0o777 for name in ("runs", "runs/one", "runs/one/archive.db", "out")
    }
    assert modes == {"runs": 0o755, "runs/one": 0o700, "runs/one/archive.db": 0o600, "out": 0o755}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"cannot reach https://me:{SECRET}@host/v1: no", "cannot reach https://***@host/v1: no"),
        (f"http://h/v1?a=1&api_key={SECRET}&b=2", "http://h/v1?a=1&api_key=***&b=2"),
        ("https://host/v1 and me@mail", "https://host/v1 and me@mail"),
    ],
)
def test_messages_show_no_password(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


@pytest.mark.parametrize("name", ["plain", "a b", "-x", "a\nb", "it's", "\x1b[31m", "é\u202e", "a\\'b\n"])
def test_a_path_can_be_pasted(name: str, folder: Path) -> None:
    import subprocess

    word = shell_path(name)
    assert word.isprintable()
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout.decode() in (name, f"./{name}")

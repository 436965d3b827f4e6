"""Exported agents: a folder that holds all it needs, and answers in a Python that has no meta-search."""

from __future__ import annotations

import ast
import itertools
import json
import os
import socket
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from archive.records import Record
from meta_search.authors.block_table import solver
from meta_search.authors.compiler import compile_plan
from meta_search.authors.plan import EVERY_WAY, Plan
from meta_search.errors import ArchiveError
from meta_search.export.card import by_kind, requirements
from meta_search.export.export import write_agent
from meta_search.testing import CountingEndpoint, EndpointFeatures, Fault
from meta_search.text import one_line
from meta_search.types import Agent, Demonstration, Evaluation, ItemResult, Usage, agent_id

RUNTIME = Path(meta_search.__file__).parent

# Asks `votes` times with a demonstration, lets the majority win, and adds what a program prints.
SOURCE = '''"""Votes."""
def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver", demonstrations=self.demonstrations)
    votes = self.tune.int("votes", 1, 5)
    answers = [solver([taskInfo], "Solve it.")[0] for _ in range(votes)]
    best = Counter(a.content for a in answers).most_common(1)[0][0]
    return best + self.run_python("print('!' * 2)").strip()
'''
SHOWN = (Demonstration("1+1?", "2"),)
CARD = {
    "model": "hosted_vllm/tiny",
    "domain": "sums",
    "verdict": "It did beat the best seed.",
    "wording": {"answer": "a whole number"},
    "examples": [("3+3?", "6")],
    "lineage": [{"agent": "0abc", "name": "Seed <b>", "operator": "seed"}],
    "max_tokens": 77,
    "sandbox": {"level": "process", "cpu_s": 5.0},
    "meta_search": "1.2.3",
    "break_even": "The agent pays for itself after 90 uses.",
    "kinds": [{"kind": "sums", "items": 24, "score": 0.875, "tokens_per_item": 90.0}],
}

Say = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]


def record(source: str = SOURCE, name: str = "Votes", values: Mapping[str, Any] | None = None) -> Record:
    agent = Agent.of(name, source, {"votes": 3} if values is None else values, SHOWN)
    used = Usage(96, 3000, 200, 0.064)
    scores = {
        "test": Evaluation(agent.id, "test", 0.75, 0.58, 0.87, 32, used, used, 64.0, {"ok": 32}),
        "train": Evaluation(agent.id, "train", 0.5, 0.2, 0.8, 8, used, used, 9.0, {"ok": 8}, False, "racing"),
    }
    return Record(agent, "llm", "mutate", 4, "Vote more", ("0abc",), evaluations=scores)


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has nothing but its standard library."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder / "bin" / "python"


def run(
    python: Path, folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG")}
    return subprocess.run(
        [str(python), str(folder / "run.py"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder.parent,
        env={**keep, **environment},
    )


def failed(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line that a failure leaves."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    (only,) = done.stderr.splitlines()
    assert only.startswith("run.py: ")
    return only


def test_the_folder_holds_the_agent_its_card_and_a_runtime(tmp_path: Path) -> None:
    made = record()
    folder = write_agent(made, RUNTIME, tmp_path / "deep" / "out", CARD)
    assert folder == tmp_path / "deep" / "out"
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["agent.json", "agent.py", "card.json", "card.md", "run.py", "runtime"]
    )
    assert list((tmp_path / "deep").iterdir()) == [folder]  # no scratch left
    source = (folder / "agent.py").read_text()
    assert source.startswith(f"# Votes\n# agent {made.agent.id}")
    assert agent_id(source, made.agent.values, SHOWN) == made.agent.id
    agent = json.loads((folder / "agent.json").read_text())
    assert agent["demonstrations"] == [["1+1?", "2"]]
    assert (agent["values"], agent["model"], agent["max_tokens"]) == ({"votes": 3}, "tiny", 77)
    assert agent["sandbox"] == {"cpu_s": 5.0}  # confined by default, whatever the run was
    assert not list(folder.rglob("__pycache__"))


def test_the_runtime_imports_the_standard_library_only(tmp_path: Path) -> None:
    folder = write_agent(record(), RUNTIME, tmp_path / "out", CARD)
    known = sys.stdlib_module_names | {"meta_search", "numpy"}  # numpy where it is installed
    for file in folder.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        imported = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
        imported |= {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
        # Symbolic equality and BLEU: where these are not installed, answers of teams are compared without.
        # Without json_repair an answer by schema that is broken is read as it is.
        optional = {"latex2sympy2_extended", "math_verify", "sacrebleu", "sympy"}
        may = known | {"equality_rules.py": optional, "structured.py": {"json_repair"}}.get(file.name, set())
        assert {name.split(".")[0] for name in imported} <= may, file


def test_the_cards_tell_what_it_scored_cost_and_came_from(tmp_path: Path) -> None:
    folder = write_agent(record(), RUNTIME, tmp_path / "out", CARD)
    card = json.loads((folder / "card.json").read_text())
    assert card["scores"]["test"] == {
        "score": 0.75,
        "low": 0.58,
        "high": 0.87,
        "items": 32,
        "complete": True,
        "model_free": 0.0,
        "calls_per_item": 3.0,
        "tokens_per_item": 100.0,
        "cost_usd_per_item": 0.002,
        "seconds_per_item": 2.0,
        "outcomes": {"ok": 32},
    }
    assert (card["name"], card["model"], card["generation"]) == ("Votes", "hosted_vllm/tiny", 4)
    assert card["date"]
    assert "wording" not in card
    text = (folder / "card.md").read_text()
    assert "| test | 75.0 % [58.0, 87.0] | 32 | 3.0 | 100 | 0.002 |" in text
    assert "8 (stopped early)" in text
    assert "It did beat the best seed." in text
    assert "`0abc` Seed \\<b\\> seed" in text
    assert "python run.py" in text
    assert "- cost: 100 tokens, 3.0 calls, 0.002 USD and 2.0 s per item" in text
    assert "- found with: meta-search 1.2.3" in text
    assert "pays for itself after 90 uses" in text
    assert "| sums | 24 | 87.5 | 90 |" in text


def test_the_card_of_a_graded_domain_tells_means(tmp_path: Path) -> None:
    folder = write_agent(record(), RUNTIME, tmp_path / "out", {**CARD, "measure": "score"})
    text = (folder / "card.md").read_text()
    assert "| test | 0.75 [0.58, 0.87] | 32 |" in text
    assert "| kind of item | items | mean score | tokens per item |" in text
    assert "| sums | 24 | 0.88 | 90 |" in text


def test_results_are_told_by_kind() -> None:
    used = Usage(1, 80, 20)
    rows = [ItemResult("a", "test", f"i{n}", 0, "ok", score=float(n < 3), used=used) for n in range(6)]
    kinds = {"i0": "sums", "i1": "sums", "i4": "products", "i5": "products"}
    found = by_kind(rows, kinds)
    assert [(k["kind"], k["items"], k["score"]) for k in found] == [("products", 2, 0.0), ("sums", 2, 1.0)]
    assert found[0]["tokens_per_item"] == 100
    assert by_kind(rows, {}) == []


def test_untrusted_names_stay_on_their_line(tmp_path: Path) -> None:
    nasty = "x\nimport os; os.system('id')\r\u2028# <script>\x1b[31m`|"
    folder = write_agent(record(name=nasty), RUNTIME, tmp_path / "out", {})
    source = (folder / "agent.py").read_text()
    assert source.startswith("# x import os; os.system('id') # <script> [31m`|\n# agent ")
    assert agent_id(source, {"votes": 3}, SHOWN) == record(name=nasty).agent.id
    card = (folder / "card.md").read_text()
    assert card.startswith("# x import os; os.system('id') \\# \\<script\\>")
    assert one_line("a" * 300, 10) == "a" * 9 + "…"


def test_a_card_says_where_numpy_is_needed(tmp_path: Path) -> None:
    assert requirements("def forward(s, t):\n    return str(np.mean([1]))") == ["numpy"]
    assert requirements("from numpy.linalg import norm") == ["numpy"]
    assert requirements("import json\nnumpyish = 1") == []
    assert requirements("def (") == []
    bare = Record(Agent.of("x", "import numpy"), "llm", "novel", 0)
    folder = write_agent(bare, RUNTIME, tmp_path / "out", {})
    text = (folder / "card.md").read_text()
    assert "needs: numpy" in text
    assert "Not evaluated." in text


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    for target in ("full", "file"):
        with pytest.raises(ArchiveError, match="is not empty"):
            write_agent(record(), RUNTIME, tmp_path / target, CARD)
    with pytest.raises(ArchiveError, match="cannot export"):
        write_agent(record(), RUNTIME, tmp_path / "file" / "out", CARD)
    with pytest.raises(ArchiveError, match="not an installed meta_search folder"):
        write_agent(record(), tmp_path, tmp_path / "out", CARD)
    (tmp_path / "empty").mkdir()
    write_agent(record(), RUNTIME, tmp_path / "empty", CARD)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file", "full"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_agent(record(), RUNTIME, tmp_path / "out", CARD)


def test_it_answers_without_meta_search(folder: Path, python: Path) -> None:
    absent = subprocess.run([str(python), "-c", "import meta_search"], cwd=folder.parent, capture_output=True)
    assert absent.returncode == 1
    with CountingEndpoint(lambda *_: "5", api_key="sk-1") as endpoint:
        done = run(python, folder, "2+3?", "--base-url", endpoint.base_url, "--json", OPENAI_API_KEY="sk-1")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["answer"], told["outcome"], told["model"]) == ("5!!", "ok", "tiny")
    assert told["usage"]["calls"] == 3
    assert told["usage"]["tokens"] == endpoint.prompt_tokens + endpoint.completion_tokens > 0
    assert len(endpoint.requests) == 3
    sent = endpoint.requests[0]
    assert (sent.body["model"], sent.body["max_tokens"]) == ("tiny", 77)
    assert "a whole number" in sent.messages[0][1]
    assert [role for role, _ in sent.messages] == ["system", "user", "assistant", "user"]
    assert sent.messages[2] == ("assistant", "2")
    assert "2+3?" in sent.messages[3][1]


FEW = ("reader", "debate")  # ways of working that are exported in every run of the tests


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=() if way in FEW else pytest.mark.slow) for way in EVERY_WAY]
)
def test_every_way_of_working_answers_without_meta_search(tmp_path: Path, python: Path, way: str) -> None:
    def say(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if "code block" in str(messages[0]):
            return "```python\nprint(2 + 3)\n```"
        return (
            json.dumps({"thinking": "so", "answer": "5", "ratings": "[3, 3, 3, 3]"})
            if "{" in str(messages[0])
            else "5"
        )

    source = compile_plan(Plan(way, way=way))
    folder = write_agent(record(source, way, values={}), RUNTIME, tmp_path / "out", CARD)
    with CountingEndpoint(say, api_key="sk-1") as endpoint:
        done = run(python, folder, "2+3?", "--base-url", endpoint.base_url, "--json", OPENAI_API_KEY="sk-1")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["answer"].strip(), told["outcome"]) == ("5", "ok")
    low, high = solver(way).calls
    assert low <= told["usage"]["calls"] <= high


def staged() -> Say:
    """A model that quotes, answers differently each time, finds all answers right, and chooses the second."""
    numbers = itertools.count(10)
    replies = {"Copy the parts": "2+3", "meet every demand": "OK", "Which of the numbered": "2"}

    def say(messages: Sequence[Mapping[str, Any]], shown: Mapping[str, Any]) -> str:
        asked = messages[-1]["content"]
        return next((reply for words, reply in replies.items() if words in asked), "") or str(next(numbers))

    return say


def test_an_agent_of_every_stage_answers_without_meta_search(tmp_path: Path, python: Path) -> None:
    plan = Plan(
        *("Staged", "", "direct"),
        samples=3,
        shown=1,
        prepare="extract",
        check="letter",
        failed="pass",
        combine="judge",
        choice="diverse",
    )
    folder = write_agent(record(compile_plan(plan), values={}), RUNTIME, tmp_path / "out", CARD)
    with CountingEndpoint(staged(), api_key="sk-1") as endpoint:
        done = run(python, folder, "2+3?", "--base-url", endpoint.base_url, "--json", OPENAI_API_KEY="sk-1")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["outcome"], told["usage"]["calls"]) == ("ok", 1 + 3 + 3 + 1)
    listed = next(r.messages[-1][1] for r in endpoint.requests if "Which of" in r.messages[-1][1])
    assert f"2. {told['answer']}\n" in listed


def test_it_reads_standard_input_and_the_environment(folder: Path, python: Path) -> None:
    with CountingEndpoint(lambda *_: "5", api_key="sk-2") as endpoint:
        settings = {"OPENAI_BASE_URL": endpoint.base_url, "MY_KEY": "sk-2"}
        arguments = ("-", "--model", "other", "--api-key-env", "MY_KEY", "--seed", "7")
        done = run(python, folder, *arguments, stdin="two and\nthree?\n", **settings)
    assert (done.stdout, done.returncode) == ("5!!\n", 0), done.stderr
    assert {r.body["model"] for r in endpoint.requests} == {"other"}
    assert "two and\nthree?" in endpoint.requests[0].messages[-1][1]
    assert len({r.body["seed"] for r in endpoint.requests}) == 3  # three samples, not one three times


SPY = """
import os, socket
def forward(self, taskInfo):
    found = []
    for what in ("/etc/passwd", "/proc/self/environ", {secret!r}):
        try:
            found.append(open(what).read()[:20])
        except OSError:
            pass
    try:
        socket.create_connection(("127.0.0.1", {port}), timeout=1).close()
        found.append("network")
    except OSError:
        pass
    found += [v for k, v in os.environ.items() if "KEY" in k]
    return "found: " + ", ".join(found)
"""


def test_it_is_confined_unless_told_otherwise(tmp_path: Path, python: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("my secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = SPY.format(secret=str(secret), port=server.getsockname()[1])
        folder = write_agent(record(source, values={}), RUNTIME, tmp_path / "out", CARD)
        settings = {"OPENAI_API_KEY": "sk-3", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
        confined = run(python, folder, "?", **settings)
        free = run(python, folder, "?", "--no-sandbox", **settings)
    assert (confined.stdout, confined.returncode) == ("found: \n", 0), confined.stderr
    assert free.returncode == 0, free.stderr
    assert "my secret" in free.stdout
    assert "network" in free.stdout
    assert "sk-3" not in free.stdout  # even then the key stays with run.py


def test_an_agent_that_fails_says_why(tmp_path: Path, python: Path) -> None:
    folder = write_agent(
        record("def forward(self, t):\n    return 1 / 0\n", values={}), RUNTIME, tmp_path / "out", {}
    )
    where = ("--base-url", "http://127.0.0.1:1", "--model", "m")
    assert "ZeroDivisionError" in failed(run(python, folder, "?", *where), 1)
    done = run(python, folder, "?", *where, "--json")
    assert (json.loads(done.stdout)["outcome"], done.returncode) == ("crash", 1)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ([], {}, "required: question"),
        (["?"], {}, "no endpoint: give --base-url"),
        (["?", "--base-url", "file:///etc/passwd"], {}, "must begin with http"),
        (
            ["?", "--base-url", "http://x", "--api-key-env", "NO_SUCH"],
            {},
            "NO_SUCH (--api-key-env) holds no key",
        ),
        (["?", "--base-url", "http://x", "--max-tokens", "0"], {}, "must be positive"),
        (["?", "--base-url", "http://x", "--timeout", "soon"], {}, "invalid float value"),
        (["?", "--frobnicate"], {}, "unrecognized arguments: --frobnicate"),
        ([" "], {"OPENAI_BASE_URL": "http://x"}, "the question is empty"),
        (["-"], {"OPENAI_BASE_URL": "http://x"}, "the question is empty"),
        (["?", "--base-url", "http://127.0.0.1:1"], {}, "refused"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    folder: Path, python: Path, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    assert message in failed(run(python, folder, *arguments, **environment), 2)


def test_no_model_and_a_broken_folder_are_one_line(tmp_path: Path, python: Path) -> None:
    folder = write_agent(record(), RUNTIME, tmp_path / "out", {})
    assert "no model: give --model" in failed(run(python, folder, "?", "--base-url", "http://x"), 2)
    (folder / "agent.py").unlink()
    assert "is not an exported agent" in failed(run(python, folder, "?", "--base-url", "http://x"), 2)


def test_a_wrong_key_is_told_at_once_and_not_shown(folder: Path, python: Path) -> None:
    with CountingEndpoint(api_key="sk-right") as endpoint:
        done = run(python, folder, "?", OPENAI_BASE_URL=endpoint.base_url, OPENAI_API_KEY="sk-wrong-one")
    message = failed(done, 2)
    assert "HTTP 401" in message
    assert "sk-wrong-one" not in message


def test_what_model_and_endpoint_say_is_only_shown(folder: Path, python: Path) -> None:
    evil = "\x1b]8;;https://evil\x07\x1b[2Jfive\r\u202e\u2028"
    with CountingEndpoint(lambda *_: evil) as endpoint:
        done = run(python, folder, "?", OPENAI_BASE_URL=endpoint.base_url)
    assert done.returncode == 0, done.stderr
    assert "five" in done.stdout
    assert not set(done.stdout) & set("\x1b\x07\r\u202e\u2028")
    refused = Fault("status", 400, message=evil)
    with CountingEndpoint(lambda *_: "5", faults=lambda index, body: refused) as endpoint:
        message = failed(run(python, folder, "?", OPENAI_BASE_URL=endpoint.base_url), 2)
    assert not set(message) & set("\x1b\x07\r\u202e\u2028")


def test_what_may_pass_is_tried_again(folder: Path, python: Path) -> None:
    faults = [Fault("status", 429, retry_after=0.01), Fault("status", 503), Fault("bad_json"), Fault("reset")]
    with CountingEndpoint(lambda *_: "5", faults=faults) as endpoint:
        done = run(python, folder, "2+3?", "--json", OPENAI_BASE_URL=endpoint.base_url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == "5!!"
    assert json.loads(done.stdout)["usage"]["calls"] == 3
    assert len(endpoint.requests) == 7


TWO_FIELDS = """
def forward(self, taskInfo):
    first = LLMAgentBase(["thinking", "answer"], "A")([taskInfo], "Solve it.")
    return LLMAgentBase(["thinking", "answer"], "B")([first[1]], "Check it.")[1]
"""


def test_an_endpoint_without_schemas_is_told_in_words(tmp_path: Path, python: Path) -> None:
    folder = write_agent(record(TWO_FIELDS, values={}), RUNTIME, tmp_path / "out", CARD)
    said = '{"thinking": "hm", "answer": "5"}'
    for schemas, requests in ((True, 2), (False, 3)):
        with CountingEndpoint(lambda *_: said, features=EndpointFeatures(schema=schemas)) as endpoint:
            done = run(python, folder, "2+3?", OPENAI_BASE_URL=endpoint.base_url)
        assert (done.stdout, done.returncode) == ("5\n", 0), done.stderr
        assert len(endpoint.requests) == requests  # refused once, and then remembered
        last = endpoint.requests[-1]
        assert ("response_format" in last.body) is schemas
        assert ("satisfies this JSON schema" in last.messages[-1][1]) is not schemas


def test_settings_an_endpoint_does_not_take_are_left_out(folder: Path, python: Path) -> None:
    def picky(_: int, body: Mapping[str, Any]) -> Fault | None:
        if "max_tokens" in body:
            return Fault("status", 400, message="'max_tokens' is not supported: use 'max_completion_tokens'")
        if "temperature" in body:
            return Fault("status", 400, message="'temperature' does not support 0.5 with this model")
        return None

    with CountingEndpoint(lambda *_: "5", faults=picky) as endpoint:
        done = run(python, folder, "2+3?", OPENAI_BASE_URL=endpoint.base_url)
    assert (done.stdout, done.returncode) == ("5!!\n", 0), done.stderr
    assert endpoint.requests[-1].body["max_completion_tokens"] == 77


def test_a_redirect_does_not_carry_the_key_away(folder: Path, python: Path) -> None:
    with CountingEndpoint(faults=lambda *_: Fault("status", 307)) as endpoint:
        done = run(python, folder, "?", OPENAI_BASE_URL=endpoint.base_url, OPENAI_API_KEY="sk-4")
    assert "HTTP 307" in failed(done, 2)


def test_a_question_that_is_too_long_is_the_agents_failure(folder: Path, python: Path) -> None:
    with CountingEndpoint(features=EndpointFeatures(context=50)) as endpoint:
        done = run(python, folder, "-", stdin="word " * 500, OPENAI_BASE_URL=endpoint.base_url)
    assert failed(done, 1).startswith("run.py: context: ")

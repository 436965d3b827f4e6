"""Overrides to configuration: syntax, keywords, mistakes in one line, what `resume` may change."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meta_search.commands.resolve import resolved
from meta_search.commands.resumable import FIXED, RESUMABLE
from meta_search.compose import amend, compose, known_keys, override_strings, run_app
from meta_search.config import Config
from meta_search.errors import ConfigError
from meta_search.text import override

MISTAKES = [
    (
        "domain=tabel",
        "domain=tabel: no such option; did you mean table? There are aime, arc, arc_easy",
    ),
    ("budgt.usd=1", "unknown key budgt.usd; did you mean budget.usd"),
    ("candidates=3", "did you mean search.candidates?"),
    ("budget.usd=[", "budget.usd=[: bad syntax"),
    ("nonsense", "nonsense: bad syntax, expected key=value"),
    ("budget.usd=much", "budget.usd='much': expected float"),
    ("budget.usd=-1", "budget.usd=-1.0: must be at least 0"),
    ("budget.usd=nan", "budget.usd=nan: expected a number; null is no limit"),
    ("budget.final_share=nan", "expected a number"),
    ("budget.wall_s=inf", "expected a number"),
    ("author.max_tokens=0", "must be at least 1"),
    ("author.debug_rounds=-3", "must be at least 0"),
    ("budget=5", "a group takes the name of an option, as in domain=table"),
    ("+budget.euro=1", "unknown key budget.euro"),
    ("llm=openai", "llm.meta.model and llm.task.model must be given"),
    ("seed=1,2", "--multirun"),
    ("llm.base_url=${oc.env:META_SEARCH_NOT_SET}", "META_SEARCH_NOT_SET"),
    ("domain.weight=w", "weights are not possible yet"),
    ("sandbox.level=none", "must be one of strict, process"),
]


@pytest.mark.parametrize(("override", "message"), MISTAKES)
def test_mistakes_are_one_clear_line(override: str, message: str) -> None:
    for attempt in (lambda: compose([override]), lambda: run_app([override], lambda config, words: 0)):
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_status == 2


def test_options_of_hydra_belong_to_run() -> None:
    with pytest.raises(ConfigError, match="key=value"):
        compose(["--multirun"])


def test_names_of_the_users_choice_need_no_plus() -> None:
    config = compose(["domain.sizes.train=4", "llm.prices={a-model:{input:1,output:2.5}}"])
    assert config.domain.sizes == {"train": 4}
    assert config.llm.prices == {"a-model": {"input": 1.0, "output": 2.5}}


def test_paths_need_no_quotes() -> None:
    for path in ("~/q.csv", "my(1).csv", "a=b.csv", "two words.csv", "plain/q.csv", "it's.csv"):
        assert compose([f"domain.path={path}"]).domain.path == path
    assert compose(["domain.path='~/q.csv'", "run.dir=~/x"]).domain.path == "~/q.csv"
    made = resolved(compose(["domain.path=~/q.csv", "run.dir=~/x", "run.root=~/runs"]))
    assert (made.run.dir, made.run.root) == (str(Path("~/x").expanduser()), str(Path("~/runs").expanduser()))
    assert made.domain.path == str(Path("~/q.csv").expanduser().resolve())


def test_keywords_mean_what_overrides_mean() -> None:
    words = ["domain=table", "domain.path=q.csv", "budget.wall_s=300", "seed=3", "llm.cache=false"]
    by_words = compose(words)
    by_name = compose(words[:2], budget={"wall_s": 300}, seed=3, llm={"cache": False})
    assert by_words == by_name
    assert compose(domain="table").domain.name == "table"
    assert compose(domain={"sizes": {"test": 9}}).domain.sizes == {"test": 9}
    assert compose(search={"seeds": ["direct", "debate"]}).search.seeds == ("direct", "debate")
    assert compose(llm={"base_url": None, "prices": {"m": {"input": 1}}}).llm.prices == {"m": {"input": 1.0}}


@settings(max_examples=12, deadline=None)
@given(st.text(st.characters(exclude_characters="$\r\n", exclude_categories=["C", "Z"]), max_size=12))
def test_any_text_survives_as_a_keyword(text: str) -> None:
    assert compose(domain={"path": text}).domain.path == text


def test_quotes_and_backslashes_survive() -> None:
    for text in ("it's", "a\\", "a\\'b", "C:\\dir\\", "a=b,c", "[x]", "{y}", "null", "7", " padded "):
        assert compose(override_strings({"domain": {"path": text}})).domain.path == text


ODD = st.one_of(
    st.sampled_from("(=#,:{}[]'\" \\$~äк名!&;|*?<>`^%@\n\t"), st.characters(exclude_categories=["Cs"])
)
ODD_TEXT = st.text(ODD, max_size=8).filter(lambda text: "\0" not in text and text != "???")


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(ODD_TEXT, ODD_TEXT)
@example("${x}", "qwen2.5:7b")
@example("\\${x", "my (1), {a}")
@example("null", "${x}")
@example("a\\", "'")
def test_a_printed_override_means_its_value_when_it_is_pasted(text: str, name: str) -> None:
    prices = {name: {"input": 0.15, "output": 0.6}}
    given = {"domain.path": text, "llm.prices": prices, "search.seeds": ["a b"]}
    config = compose(shlex.split(" ".join(override(key, value) for key, value in given.items())))
    assert (config.domain.path, config.llm.prices, config.search.seeds) == (text, prices, ("a b",))


@pytest.mark.parametrize(
    "text",
    ["my (1) file, ä.csv", "a,b.csv", "x#1=2.csv", "[a].csv", "{x}", "it's", "C:\\d", "naïve", "1e3", "true"],
)
def test_a_text_that_is_typed_stands_for_itself(text: str) -> None:
    assert compose([f"domain.path={text}"]).domain.path == text
    seen: list[str | None] = []
    run_app([f"domain.path={text}"], lambda config, words: seen.append(config.domain.path) or 0)
    assert seen == [text]


def test_a_comma_is_a_sweep_where_one_is_asked_for(folder: Path) -> None:
    seen: list[str | None] = []

    def search(config: Config, words: tuple[str, ...]) -> int:
        seen.append(config.domain.path)
        return 0

    assert run_app(["--multirun", "domain.path=a.csv,b.csv", "run.root=here"], search) == 0
    assert run_app(["domain.path=a.csv,b.csv"], search) == 0
    assert seen == ["a.csv", "b.csv", "a.csv,b.csv"]


def test_lists_quotes_and_interpolations_are_hydras() -> None:
    assert compose(["search.seeds=[my (1).py, ä.md, RUN:AGENT, direct]"]).search.seeds == (
        *("my (1).py", "ä.md", "RUN:AGENT", "direct"),
    )
    assert compose(['domain.path="a, b"']).domain.path == "a, b"
    assert compose(["domain.path=${domain.name}"]).domain.path == "reasoning"
    assert compose(["domain.path=null"]).domain.path is None
    assert amend(compose(), ["ray.address=ray://(host):1"], RESUMABLE).ray.address == "ray://(host):1"


def test_prices_are_read_as_they_are_printed_and_as_they_are_typed() -> None:
    for word in (
        "llm.prices={qwen2.5:7b:{input:1,output:2}}",
        'llm.prices={"qwen2.5:7b": {"input": 1, "output": 2}}',
    ):
        assert compose([word]).llm.prices == {"qwen2.5:7b": {"input": 1.0, "output": 2.0}}
    assert compose(llm={"prices": {"a:b": {"input": 1}}}).llm.prices == {"a:b": {"input": 1.0}}
    with pytest.raises(ConfigError, match="expected a mapping"):
        compose(["llm.prices=cheap"])


def test_amend_changes_only_what_may_change() -> None:
    config = compose(["seed=5", "budget.wall_s=10"])
    changed = amend(
        config, ["budget.wall_s=99", "budget.usd=1", "llm.max_concurrency=2", "ray.address=auto"], RESUMABLE
    )
    assert (changed.budget.wall_s, changed.budget.usd, changed.ray.address) == (99.0, 1.0, "auto")
    assert (changed.seed, changed.llm.max_concurrency) == (5, 2)
    assert amend(config, [], RESUMABLE) == config
    assert amend(config, ["seed=5", "llm.max_tokens=128"], RESUMABLE) == config  # said again, not changed
    more = ["llm.base_url=http://b/v1", "llm.api_key_env=KEY", "search.candidates=200", "search.finalists=3"]
    changed = amend(config, more, RESUMABLE)
    assert (changed.llm.base_url, changed.llm.api_key_env) == ("http://b/v1", "KEY")
    assert (changed.search.candidates, changed.search.finalists) == (200, 3)
    for word, message in (
        ("seed=1", "seed cannot change in a resume: what was measured rests on it. Start a new run"),
        ("domain.sizes={train:5,test:3}", "Start a new run with '++domain.sizes={train:5,test:3}'"),
        ("llm.max_tokens=9", "llm.max_tokens cannot change in a resume"),
        ("domain.path=other.csv", "domain.path cannot change in a resume"),
        ("llm=openai", "llm=openai: a resume changes keys, not groups, as in llm.KEY=VALUE"),
        ("budget.euro=1", "unknown key budget.euro"),
        ("budget.usd=1,2", "expected key=value"),
        ("budget", "bad syntax"),
        ("budget.calls=-3", "must be at least 0"),
    ):
        with pytest.raises(ConfigError) as caught:
            amend(config, [word], RESUMABLE)
        assert message in str(caught.value)


def test_of_every_key_it_is_known_whether_a_resume_may_change_it() -> None:
    def named(key: str, names: Sequence[str]) -> bool:
        return any(key == name or (name.endswith(".") and key.startswith(name)) for name in names)

    for key in known_keys():
        assert named(key, RESUMABLE) != named(key, FIXED), f"list {key} once in commands/resumable.py"


def test_hydras_entry_point_runs_jobs_and_writes_nothing(folder: Path) -> None:
    seen: list[tuple[Config, tuple[str, ...]]] = []

    def search(config: Config, words: tuple[str, ...]) -> int:
        seen.append((config, words))
        return 3 if config.seed == 2 else 0

    assert run_app(["seed=1"], search) == 0
    assert list(folder.iterdir()) == []
    assert run_app(["--multirun", "seed=1,2", "run.root=here"], search) == 3
    assert [(config.seed, words) for config, words in seen] == [
        (1, ("seed=1",)),
        (1, ("seed=1", "run.root=here")),
        (2, ("seed=2", "run.root=here")),
    ]
    assert [path.name for path in folder.iterdir()] == ["here"]  # Hydra's record of the sweep


def test_a_failure_of_the_search_passes_through_hydra(folder: Path) -> None:
    def search(config: Config, words: tuple[str, ...]) -> int:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        run_app([], search)


def test_configuration_is_printed_and_nothing_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    def search(config: Config, words: tuple[str, ...]) -> int:
        raise AssertionError

    assert run_app(["--cfg", "job", "budget.usd=2"], search) == 0
    assert "usd: 2" in capsys.readouterr().out
    assert run_app(["--no-such-option"], search) == 2


def test_composing_inside_an_application_of_hydra_leaves_it_alone() -> None:
    from hydra import initialize_config_module
    from hydra.core.global_hydra import GlobalHydra

    with initialize_config_module("conf", version_base="1.3"):
        outer = GlobalHydra.instance().hydra
        assert compose(["seed=4"]).seed == 4
        assert GlobalHydra.instance().hydra is outer


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ((), 16_384),
        (("budget.tokens=50000",), 4_166),
        (("budget.tokens=1000",), 4_096),
        (("budget.tokens=5000000",), 16_384),
        (("budget.tokens=50000", "author.max_tokens=9000"), 9_000),
        (("budget.usd=0.6", "llm.prices={a:{input:1,output:5}}"), 10_000),
        (("budget.usd=0.6", "budget.tokens=60000", "llm.prices={a:{input:1,output:5}}"), 5_000),
        (("budget.usd=0.01", "llm.prices={a:{input:1,output:5}}"), 4_096),
        (("budget.usd=0.01", "llm.prices={b:{input:1,output:5}}"), 16_384),
    ],
)
def test_an_answer_of_the_meta_agent_fits_the_budget(words: tuple[str, ...], most: int) -> None:
    given = ["llm=endpoint", "llm.base_url=http://h/v1", "llm.meta.model=a", "llm.task.model=b", *words]
    assert resolved(compose(given)).author.max_tokens == most

"""ifeval: its file, its 25 verifiers by example and by property, and what they count."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains import prose
from domains.ifeval import IfevalDomain
from domains.instructions import INSTRUCTIONS, Instruction, follows, instruction_of, loosened
from domains.language import language_of
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from tests.kits.program_benchmarks import ifeval_rows, write_rows

TEXTS = st.text(st.sampled_from("abc ABC.,!?*-[]<>\"'\n1{}:é"), max_size=300)

# Instruction, arguments, a text that follows it, one that does not.
CASES: list[tuple[str, Mapping[str, Any], str, str]] = [
    ("keywords:existence", {"keywords": ["sun", "moon"]}, "Sunday by moonlight", "Sunday"),
    ("keywords:frequency", {"keyword": "a", "relation": "at least", "frequency": 3}, "banana", "ban a"),
    ("keywords:frequency", {"keyword": "a", "relation": "less than", "frequency": 3}, "ban a", "Banana"),
    ("keywords:forbidden_words", {"forbidden_words": ["sun"]}, "Sunday", "the SUN"),
    (
        "keywords:letter_frequency",
        {"letter": "E", "let_relation": "at least", "let_frequency": 2},
        "Even",
        "eat",
    ),
    (
        "language:response_language",
        {"language": "de"},
        "Das ist nicht der Weg, den wir gehen.",
        "That is not it.",
    ),
    ("language:response_language", {"language": "hi"}, "यह मेरे घर का रास्ता है", "This is the way."),
    ("length_constraints:number_sentences", {"relation": "at least", "num_sentences": 2}, "One. Two.", "One"),
    (
        "length_constraints:number_sentences",
        {"relation": "less than", "num_sentences": 2},
        "Mr. Smith paid 3.50 to the U.S. office",
        "It is. Is it?",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***\na\n***\nb", "a\n***\n***\nb"),
    ("length_constraints:number_words", {"relation": "less than", "num_words": 3}, "well-known", "a b c"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        'First.\n\n"then, it went',
        "First.\n\nThen.\n\nThird",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] and [b c]", "[a] and (b)"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye\np. s. more", "Bye\nPS more"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "Bye\nP.P.S more", "Bye\nP.S. more"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n - b", "* a\n** b"),
    ("detectable_format:constrained_response", {}, "Well: My answer is no.", "My answer is no"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and *b*", "*a* and * *"),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Part", "num_sections": 2},
        "Part 1\na\nPart 2\nb",
        "Part 1\na\npart 2",
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{'a': 1}"),
    ("detectable_format:title", {}, "<<A title>>\ntext", "<< >> and <A>"),
    ("combination:two_responses", {}, "one\n******\ntwo", "one\n******\none"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say it."}, "say it. Yes.", "Yes. Say it."),
    ("startend:end_checker", {"end_phrase": "The end."}, 'Here is the END."', "The end. Or not"),
    ("startend:quotation", {}, ' "all of it" ', '"'),
    (
        "change_case:capital_word_frequency",
        {"capital_relation": "at least", "capital_frequency": 3},
        "I CAN'T",
        "NASA is A name",
    ),
    ("change_case:english_capital", {}, "ALL OF THIS IS SAID.", "ALL OF THIS IS SAId."),
    ("change_case:english_capital", {}, "THIS IS IT.", "DAS IST NICHT DER WEG, DEN WIR GEHEN."),
    ("change_case:english_lowercase", {}, "all of this is said.", "I said this."),
    ("punctuation:no_comma", {}, "one; two", "one, two"),
]


@pytest.mark.parametrize(("name", "arguments", "yes", "no"), CASES)
def test_each_instruction_by_example(name: str, arguments: Mapping[str, Any], yes: str, no: str) -> None:
    instruction = instruction_of("here", name, arguments)
    assert follows(instruction, yes)
    assert not follows(instruction, no)
    assert not follows(instruction, " \n")


def test_there_are_all_25_and_each_has_an_example() -> None:
    assert len(INSTRUCTIONS) == 25
    assert {name for name, *_ in CASES} == set(INSTRUCTIONS)


@given(TEXTS, st.sampled_from(CASES))
def test_a_loose_reading_never_loses_what_a_strict_one_has(text: str, case: Any) -> None:
    instruction = Instruction(case[0], case[1])
    strict = follows(instruction, text)
    assert not strict or any(follows(instruction, part) for part in loosened(text))


@given(TEXTS, st.integers(0, 40))
def test_less_than_and_at_least_are_opposites(text: str, number: int) -> None:
    if not text.strip():
        return
    pairs = [
        ("length_constraints:number_words", "num_words", "relation", {}),
        ("length_constraints:number_sentences", "num_sentences", "relation", {}),
        ("keywords:frequency", "frequency", "relation", {"keyword": "a"}),
        ("keywords:letter_frequency", "let_frequency", "let_relation", {"letter": "b"}),
        ("change_case:capital_word_frequency", "capital_frequency", "capital_relation", {}),
    ]
    for name, count, relation, rest in pairs:
        less, least = (
            follows(Instruction(name, {**rest, count: number, relation: r}), text)
            for r in ("less than", "at least")
        )
        assert less != least, name


@given(
    st.lists(
        st.sampled_from(["It rains", "Does it", "So it is", "We saw 3.5 of them"]), min_size=1, max_size=9
    )
)
def test_sentences_that_are_joined_are_counted(parts: list[str]) -> None:
    for end, space in ((".", " "), ("!", "\n"), ("?", "\n\n"), ('."', " "), ("?!", " ")):
        assert prose.sentences(space.join(part + end for part in parts)) == len(parts)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I CAN'T", 3),
        ("WELL-KNOWN", 1),
        ("the U.S. and NASA's", 2),
        ("CANNOT", 2),
        ("A, B; C!", 3),
        ("3D 4K", 2),
    ],
)
def test_words_in_capitals_are_counted_as_the_penn_treebank_does(text: str, count: int) -> None:
    assert prose.capital_words(text) == count


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The weather in the city was very good, and we went out.", "en"),
        ("Le temps dans la ville était très beau et nous sommes sortis.", "fr"),
        ("El tiempo en la ciudad era muy bueno y salimos de casa.", "es"),
        ("O tempo na cidade estava muito bom e nós não ficamos em casa.", "pt"),
        ("Il tempo nella città era molto bello e siamo usciti di casa.", "it"),
        ("Het weer in de stad was erg goed en wij zijn naar buiten gegaan.", "nl"),
        ("Vädret i staden var mycket bra och vi gick ut.", "sv"),
        ("Pogoda w mieście była bardzo dobra i wyszliśmy z domu na spacer.", "pl"),
        ("Sää kaupungissa oli hyvin kaunis ja me menimme ulos.", "fi"),
        ("Thời tiết trong thành phố rất đẹp và chúng tôi đã đi ra ngoài.", "vi"),
        ("Hali ya hewa katika mji ilikuwa nzuri sana na sisi tulitoka nje.", "sw"),
        ("Погода в городе была очень хорошая, и мы не остались дома.", "ru"),
        ("Погода в місті була дуже гарна, і ми не залишилися вдома.", "uk"),
        ("Времето в града беше много хубаво и ние не останахме вкъщи.", "bg"),
        ("كان الطقس في المدينة جميلا جدا ولم نبق في البيت.", "ar"),
        ("هوا در شهر خیلی خوب بود و ما از خانه بیرون رفتیم.", "fa"),
        ("شہر میں موسم بہت اچھا تھا اور ہم گھر سے باہر گئے۔", "ur"),
        ("शहर में मौसम बहुत अच्छा था और हम घर से बाहर गए।", "hi"),
        ("शहरात हवामान खूप चांगले होते आणि आम्ही बाहेर गेलो.", "mr"),
        ("शहरमा मौसम धेरै राम्रो थियो र हामी बाहिर गयौं।", "ne"),
        ("天気がとても良かったので、外に出ました。", "ja"),
        ("今天城里的天气很好，我们出去了。", "zh-cn"),
        ("도시의 날씨가 아주 좋아서 우리는 밖으로 나갔다.", "ko"),
        ("The word Привет means hello in Russian, as you know.", "en"),
        ("https://example.org 12345 !!", ""),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language
    assert language_of(text.upper()) == language


def test_items_scores_and_what_is_measured_beside_them(tmp_path: Path) -> None:
    path = write_rows(ifeval_rows(), tmp_path / "input_data.jsonl")
    domain = IfevalDomain(DomainConfig(name="ifeval", path=str(path)))
    item = domain.items("test")[0]
    number = int(item.id.removeprefix("ifeval-")) - 1000
    assert item.kind == "several"
    assert domain.score(item, "A few words").value == 1
    wrong = domain.score(item, "one, " * (number + 5))
    assert wrong.value == 0
    assert "follows 0 of 2; not: punctuation:no_comma; length_constraints:number_words" in wrong.feedback
    half = domain.score(item, "one, two")
    assert (half.value, half.feedback) == (0, "follows 1 of 2; not: punctuation:no_comma")
    answered = [(item, "one, two"), (item, "fine"), (item, "Here, it is:\nfine")]
    assert domain.measures(answered) == {
        "instruction_loose": pytest.approx(5 / 6),
        "instruction_strict": pytest.approx(4 / 6),
        "prompt_loose": pytest.approx(2 / 3),
    }
    options = {"loose": True}
    loose = IfevalDomain(DomainConfig(name="ifeval", path=str(path), matcher_options=options))
    assert loose.score(item, "Here, it is:\nfine").value == 1
    assert domain.score(item, "Here, it is:\nfine").value == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruction_id_list": ["punctuation:no_dots", "punctuation:no_comma"]}, "line 3: instruction"),
        ({"kwargs": [{}]}, "line 3: must have as many kwargs as instructions, at least one: 2, 1"),
        ({"kwargs": [{}, {"relation": "less than"}]}, "number_words needs num_words (int), not None"),
        (
            {"kwargs": [{}, {"relation": "over", "num_words": 3}]},
            "relation must be 'less than' or 'at least'",
        ),
        ({"prompt": " "}, "line 3: no text in the column prompt"),
        (
            {"prompt": "Write about the number 1 without commas, in less than 6 words."},
            "asks what ifeval-1001 asks, with another answer",
        ),
    ],
)
def test_bad_records_are_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rows = ifeval_rows()
    rows[2].update(change)
    path = write_rows(rows, tmp_path / "input_data.jsonl")
    with pytest.raises(DomainError) as error:
        IfevalDomain(DomainConfig(name="ifeval", path=str(path)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("unit", ["a", ".", "*", "[", "<<", "-\n", "***", " p.", "!?", '."', "\n", "é", "@"])
def test_no_answer_takes_long(unit: str) -> None:
    text = unit * (20_000 // len(unit)) + "x"
    for name, arguments, *_ in CASES:
        started = time.process_time()
        follows(Instruction(name, arguments), text)
        assert time.process_time() - started < 1, name


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*$", "a?" * 30 + "a" * 30, "(?#[)(a+)+(?#])$", r"\[(a+)+$", "[^]](a+)+$"]
)
def test_no_pattern_of_the_data_takes_for_ever(pattern: str) -> None:
    answer = "a" * 40 + "!"
    for name, arguments in (
        ("keywords:existence", {"keywords": [pattern]}),
        ("keywords:frequency", {"keyword": pattern, "relation": "at least", "frequency": 1}),
        ("detectable_content:postscript", {"postscript_marker": pattern}),
        ("detectable_format:multiple_sections", {"section_spliter": pattern, "num_sections": 1}),
    ):
        instruction = instruction_of("row 1", name, arguments)
        assert not follows(instruction, answer)
    assert not follows(Instruction("keywords:forbidden_words", {"forbidden_words": ["a"]}), "a")
    assert follows(Instruction("keywords:existence", {"keywords": [pattern]}), f"see {pattern}")


def test_patterns_that_repeat_nothing_are_patterns() -> None:
    for pattern, text in (("colou?r", "color"), ("gr[ae]y", "grey"), (r"1\+1", "1+1"), ("cat|dog", "dog")):
        assert follows(instruction_of("row 1", "keywords:existence", {"keywords": [pattern]}), text)

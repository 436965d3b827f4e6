"""The families of reasoning-gym that the `reasoning` domain admits, with settings, and those it refuses.

A family is admitted if its scorer neither runs nor parses the answer (no `eval`, `exec`, sympy, `Fraction`;
`Decimal` is safe), gives the stored answer 1, gives hostile strings less, and if the stored answers are
true. Every scorer named here was read in reasoning-gym 0.1.25 (`READ`); with another version they are run in
a confined child. The tests attack them and check the answers with solvers of their own, which see only the
public question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["DEFAULT_FAMILIES", "FAMILIES", "READ", "REFUSED", "Family"]

READ = "0.1.25"  # version of reasoning-gym


@dataclass(frozen=True, slots=True)
class Family:
    """One admitted family.

    Attributes:
        settings: Arguments of `reasoning_gym.create_dataset`.
        brief: One sentence for the meta agent.
        shorten: (from, to) pairs that shorten the question; its form of answer is kept.
        case: Brings an answer into the case of the target where case carries nothing.
        guard: A further condition (answer, target) where the scorer also takes wrong answers.
        unique_answers: Whether two items of equal answer count as the same content.
    """

    settings: Mapping[str, Any]
    brief: str
    shorten: tuple[tuple[str, str], ...] = ()
    case: Callable[[str], str] = str
    guard: Callable[[str, str], bool] | None = None
    unique_answers: bool = False


def _same_length(answer: str, target: str) -> bool:
    """As many words as the target: the scorer forgives whatever follows a right beginning."""
    return answer.count(",") == target.count(",")


FAMILIES: Mapping[str, Family] = {
    # The default mixture: the six families that were measured, questions unchanged.
    "chain_sum": Family(
        {"min_terms": 3, "max_terms": 4, "min_digits": 2, "max_digits": 3},
        "add and subtract three or four numbers of two or three digits",
    ),
    "gcd": Family({"max_value": 200}, "find the greatest common divisor of two numbers up to 200"),
    "letter_counting": Family(
        {"min_words": 3, "max_words": 6},
        "count how often a letter occurs in a few words, upper and lower case together",
    ),
    "spell_backward": Family({"min_word_len": 3, "max_word_len": 6}, "spell a short word backward"),
    "needle_haystack": Family(
        {"min_num_statements": 4, "max_num_statements": 8},
        "find in a handful of statements about people the one person that the question asks for",
    ),
    "count_bits": Family({"max_n": 1023}, "count the 1 bits of a number up to 1023 in binary"),
    # Further ones, for `domain.families=[...]`.
    "word_sorting": Family(
        {"min_words": 3, "max_words": 4, "min_word_length": 3, "max_word_length": 8},
        "sort three or four words in ascending or descending ASCII order (capitals first) as a "
        "comma-separated list",
        shorten=(
            (
                "Your task is to sort words in ascending or descending order using ASCII/Unicode ordering."
                "\n\nYour output should be a comma-separated list of words, e.g. word_1, word_2, word_3"
                "\n\nNow, sort",
                "Sort",
            ),
        ),
        guard=_same_length,
    ),
    "lcm": Family({"max_value": 30}, "find the least common multiple of two numbers up to 30"),
    "products": Family({"min_digits": 2, "max_digits": 2}, "multiply two numbers of two digits"),
    "count_primes": Family({"max_n": 100}, "count the primes in an interval below 100, both ends included"),
    "base_conversion": Family(
        {"max_value": 255},
        "convert a small number from one base (2 to 16) to another, digits above 9 in lower case letters",
        shorten=(
            ("Your task is to convert a number between two different bases.\n\n", ""),
            ("If the target base is > 10, use lowercase letters a-z for digits above 9.\n\nNow, c", "C"),
            ("\n", ". Use lowercase letters for digits above 9."),
        ),
        case=str.lower,
    ),
    "simple_equations": Family(
        {"max_terms": 3, "max_value": 20},
        "solve a small linear equation for its letter; the answer is a number",
    ),
    "basic_arithmetic": Family(
        {"min_terms": 2, "max_terms": 3, "max_digits": 2, "operators": ("+", "-", "*")},
        "compute a small expression with + - * and parentheses",
    ),
    "word_sequence_reversal": Family(
        {"min_words": 3, "max_words": 5},
        "reverse the order of a few words, as a comma-separated list",
        shorten=(
            ("Solve the following problem.\n\n", ""),
            ("Provide you answer as a comma-separated list of words with a space after the comma.\n\n", ""),
            ("Reverse this list of words:", "Reverse this list of words, as a comma-separated list:"),
        ),
    ),
    "number_filtering": Family(
        {"min_numbers": 3, "max_numbers": 5, "max_decimals": 1},
        "keep or remove the numbers of a list that are larger or smaller than a bound, in the list's format",
    ),
    "caesar_cipher": Family(
        {"min_words": 3, "max_words": 8, "max_rotation": 3},
        "decrypt a sentence in capitals whose letters were moved by one to three places",
        case=str.upper,
        unique_answers=True,
    ),
    "decimal_chain_sum": Family(
        {
            "min_terms": 2,
            "max_terms": 3,
            "min_digits": 1,
            "max_digits": 2,
            "min_decimal_places": 1,
            "max_decimal_places": 2,
        },
        "add and subtract two or three numbers with one or two decimals, exactly",
    ),
}

# Measured with Qwen2.5-Coder-0.5B: a plain program does three of these, a direct answer does a fourth, and
# two need worked examples. No one way of working does them all, so there is something to find.
DEFAULT_FAMILIES = (
    "chain_sum",
    "letter_counting",
    "spell_backward",
    "needle_haystack",
    "word_sequence_reversal",
    "number_filtering",
)

_EVAL = "its scorer calls eval on the answer"
_SYMPY = "its scorer parses the answer with sympy, which calls eval"
_STORED = "its scorer gives the stored answer 0"
REFUSED: Mapping[str, str] = {
    "binary_matrix": _EVAL,
    "n_queens": _EVAL,
    "spiral_matrix": _EVAL,
    "string_insertion": _EVAL,
    "number_sorting": "its scorer calls eval",
    "countdown": _SYMPY,
    "puzzle24": _SYMPY,
    "simple_integration": _SYMPY,
    "intermediate_integration": _SYMPY,
    "polynomial_multiplication": _SYMPY,
    "bitwise_arithmetic": "its scorer calls eval",
    "propositional_logic": _STORED,
    "boxnet": _STORED,
    "graph_color": _STORED,
    "rubiks_cube": _STORED,
    "rush_hour": _STORED,
    "calendar_arithmetic": "some of its dates, like 05/06/2022, can be read in two ways",
    "coin_flip": "its scorer hangs on the answer 1e99999999",
    "complex_arithmetic": "its scorer takes the answer nan for right",
    "gsm_symbolic": "its scorer looks at the first number of the answer only",
    "prime_factorization": "its scorer raises on text",
    "family_relationships": "some of its stored answers are wrong (it takes the in-laws the wrong way round)",
    "simple_geometry": "it asks for convex polygons with angles above 180 degrees",
}

"""Authors by name, in one table; each is imported when it is asked for.

To add one: a line in `AUTHORS`, and a file with the class that the line names. `author.name=NAME` then takes
it; `conf/author/NAME.yaml` gives it a group of its own, for `author=NAME`. An author that has no way of its
own for some operators begins with `by_operator`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import cast

from meta_search.authors.author import Author, Context, Written
from meta_search.types.operators import function_of

__all__ = ["AUTHORS", "HAND", "AuthorSpec", "briefed", "by_operator", "load", "spec_of"]


@dataclass(frozen=True, slots=True)
class AuthorSpec:
    """What the engine and the estimate must know of an author.

    Attributes:
        path: `module:class`, an `Author`; empty for a choice among others.
        among: The authors that briefs may ask for, where it is a choice among others.
        repaired_by: Author that repairs a candidate whose evaluation fails; empty leaves it as it is.
        model_share: Share of its candidates that the meta model writes, 0..1.
        calls_per_item: Calls that one of its agents is assumed to make for an item, before a run has told.
        operators: The only operators it knows; empty takes any.
        preset: Where it knows some operators only: the option of the group `search` that sets them.
        sees_archive: Whether it is shown all evaluated agents (`Findings.archive`). Its briefs then name no
            parents.
        reads_archive: Whether it is shown all evaluated agents beside the parents of its briefs.
        looks: Whether it looks things up in what the run knows (`Context.knowledge`).
    """

    path: str = ""
    among: tuple[str, ...] = ()
    repaired_by: str = ""
    model_share: float = 0.0
    calls_per_item: float = 8.0
    operators: tuple[str, ...] = ()
    preset: str = ""
    sees_archive: bool = False
    reads_archive: bool = False
    looks: bool = False

    @property
    def asks_model(self) -> bool:
        """Whether it needs a meta model to write."""
        return self.model_share > 0


# Calls per item: composed agents make 1 to 3, published ones a median of 8.
AUTHORS: dict[str, AuthorSpec] = {
    "llm": AuthorSpec("meta_search.authors.llm:LLMAuthor", repaired_by="llm", model_share=1.0),
    "composer": AuthorSpec("meta_search.authors.composer:Composer", calls_per_item=2.0),
    "mixed": AuthorSpec(among=("llm", "composer"), repaired_by="llm", model_share=0.5, calls_per_item=4.0),
    "adas": AuthorSpec(
        "meta_search.authors.adas:AdasAuthor",
        repaired_by="adas",
        model_share=1.0,
        operators=("novel",),
        preset="adas",
        sees_archive=True,
    ),
    "command": AuthorSpec(
        "meta_search.authors.command:CommandAuthor",
        repaired_by="command",
        reads_archive=True,
    ),
    "agentic": AuthorSpec(
        "meta_search.authors.agentic:AgenticAuthor", repaired_by="agentic", model_share=1.0, looks=True
    ),
}


HAND = "hand"  # who wrote agents that no author did: seeds of ours, and what a person adds meanwhile
_HAND = AuthorSpec("meta_search.authors.hand:HandAuthor")  # no brief of the guide may name it


def spec_of(name: str) -> AuthorSpec:
    """What is to be known of the author of a brief.

    Raises:
        KeyError: There is none of that name.
    """
    return _HAND if name == HAND else AUTHORS[name]


def briefed(name: str) -> tuple[str, ...]:
    """The authors that briefs may ask for where `author.name` is this."""
    return AUTHORS[name].among or (name,)


def load(name: str) -> type[Author]:
    """The class of an author, imported now."""
    return cast(type[Author], resolve_name(spec_of(name).path))


def by_operator(author: str, context: Context) -> Written | None:
    """What the operator's own function for an author makes of a brief.

    Returns:
        `None` where the operator has none for this author, or it has nothing to work on.
    """
    function = function_of(context.brief.operator, author)
    return None if function is None else cast(Written | None, function(context))

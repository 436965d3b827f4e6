"""Author `hand`: a person wrote the agent, and handed it in while the search ran (`meta-search steer`)."""

from __future__ import annotations

from meta_search.authors.author import Context, Written
from meta_search.authors.drafts import Draft, demonstrations_for, refused, written

__all__ = ["HandAuthor"]


class HandAuthor:
    """Checks what was handed in as any draft is: syntax, then a free dry run in the sandbox.

    Nothing is mended: it is evaluated as the person wrote it, or refused with a line that says why.
    """

    def write(self, context: Context) -> Written:
        """Make a candidate of `Context.handed`."""
        handed = context.handed
        if handed is None:
            return refused(context, "nothing was handed in")
        name, _, thought = handed.thought.partition("\n")
        carried = demonstrations_for(handed.source, context.findings.demonstrations)
        return written(context, Draft(name, handed.source, thought, demonstrations=carried))

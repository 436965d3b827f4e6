"""Hand-made agents that every search starts from, one file each.

Seven are the designs that ADAS starts from (arXiv 2408.08435, section 4), written anew; direct answering,
program of thought and a dynamic team are added. A file is agent source: it is read as text and runs in the
sandbox only. Its docstring gives the name in the first line and the idea behind it.
"""

NAMES = (
    "direct",
    "program_of_thought",
    "chain_of_thought",
    "dynamic_roles",
    "step_back",
    "self_consistency",
    "quality_diversity",
    "debate",
    "self_refine",
    "dylan",
)

ASK_ONCE = NAMES[:3]
"""Those that ask a model once an item."""

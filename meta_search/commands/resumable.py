"""Which keys a `resume` may change, and which stay as the run began with them. Every key is in one list."""

from __future__ import annotations

__all__ = ["FIXED", "RESUMABLE"]

RESUMABLE = (
    *("budget.", "ray.", "run.confirm", "sandbox.level"),
    *("run.grace_s", "run.report_on_stop", "run.on_hangup", "run.notify", "run.tracking"),
    *("llm.base_url", "llm.meta.base_url", "llm.task.base_url", "llm.judge.base_url", "llm.api_key_env"),
    *("llm.extra_headers", "llm.callbacks"),
    *("llm.max_concurrency", "llm.requests_per_minute", "llm.tokens_per_minute", "llm.prices"),
    *("llm.timeout_s", "llm.max_retries", "llm.patience_s"),
    *("llm.local.threads", "llm.local.meta_threads", "llm.local.slots"),
    *("search.candidates", "search.in_flight", "search.finalists", "search.attempts"),
    *("search.give_up_after", "search.patience"),
    *("author.max_tokens", "author.temperature", "author.reflexions", "author.debug_rounds"),
    *("author.probe_items", "author.probe_calls", "author.feedback", "author.judge"),
    *("author.context", "author.drafts", "author.lessons", "author.notes"),
    *("author.teach", "author.teach_share", "author.teach_each"),
    *("author.command", "author.command_s", "author.command_env"),
    *("author.steps", "author.tries"),
    *("evaluate.executor", "evaluate.workers", "evaluate.per_worker", "evaluate.racing", "evaluate.block"),
)
"""None would make earlier evaluations incomparable. A name that ends in a dot holds for all below it."""

FIXED = (
    *("seed", "domain.", "llm.provider", "llm.meta.model", "llm.task.model", "llm.judge.model"),
    "llm.meta.models",
    *("llm.extra_body", "llm.meta.extra", "llm.task.extra", "llm.judge.extra", "llm.max_tokens", "llm.cache"),
    *("llm.mode", "llm.recording", "llm.local.context", "llm.local.meta_context"),
    *("evaluate.items", "evaluate.test_items", "evaluate.split", "evaluate.repeats", "evaluate.folds"),
    *("sandbox.wall_s", "sandbox.cpu_s", "sandbox.memory_mb", "sandbox.disk_mb", "sandbox.output_kb"),
    *("sandbox.calls", "sandbox.tokens", "search.seeds", "search.fork", "search.failing"),
    # The guide's studies would no longer ask for what they were told of.
    *("search.name", "search.guided", "search.prior", "search.operators"),
    *("author.name", "author.formats", "author.ways", "author.blocks", "author.prompts"),
    *("run.dir", "run.root"),
)
"""What a run has measured and learned rests on these."""

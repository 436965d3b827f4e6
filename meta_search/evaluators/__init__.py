"""Evaluators run agents on items: `inline` from this process, `ray_pool` on Ray workers."""

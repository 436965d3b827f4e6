"""Evaluators run agents on items: `inline` from this process, `ray_pool` on a Ray cluster."""

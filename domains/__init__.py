"""Domains: sources of items with scorers. They import `meta_search.types` and `meta_search.errors`."""

__meta_search__ = True

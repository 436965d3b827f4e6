"""The archive of a run. Imports of ours only `meta_search.types` and `meta_search.errors`."""

__meta_search__ = True

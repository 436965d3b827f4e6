"""Where rows come from; see `source.open_source`."""

__meta_search__ = True

"""Where a domain's rows come from: files and folders, the hub, data inside wheels. Rows are read one at a time.

`source.open_source` takes whatever `domain.path` may name. A new kind of file is a line in `kinds.SUFFIXES` and a
reader in `files.READERS`.
"""

__meta_search__ = True

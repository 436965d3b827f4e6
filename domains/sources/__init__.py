"""Where a domain's rows come from: files, folders, the hub, data inside wheels. They are read one at a time.

`source.open_source` takes whatever `domain.path` may name. A new kind of file is a line in `kinds.KINDS`, and
a class like `files.Rows` that `files.rows_of` makes.
"""

__meta_search__ = True

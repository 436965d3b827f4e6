"""One file a command of `meta-search`, and what only commands print.

The command line itself (parsing, exit status) is `meta_search.cli`.
"""

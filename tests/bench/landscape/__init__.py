"""A recorded landscape: designs of the composer × items, run once with the embedded model.

Strategies of search are compared on it by simulation, where real searches would take weeks.
"""

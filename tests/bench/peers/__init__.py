"""Published optimisers beside ours: same items, scorers, models, and tokens that a proxy counts.

`python -m tests.bench.peers --help`; docs/peers.md says what is equal and what is not.
"""

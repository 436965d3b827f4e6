"""Authors turn a brief into a candidate. What they need of other stages is handed in as a `Context`."""

"""An agent as a folder that runs without meta-search."""

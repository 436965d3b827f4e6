"""Configuration files of meta-search, found by Hydra as `pkg://conf`; holds no code."""

__meta_search__ = True

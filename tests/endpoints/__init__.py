"""Endpoints that are odd in one way each; `tests/test_endpoints.py` runs a search through them."""

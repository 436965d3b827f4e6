"""What is fetched from outside once and kept: where it lies, and data that comes inside wheels.

A leaf like `text` and `errors`, as embedded models and domains' data both come this way.
"""

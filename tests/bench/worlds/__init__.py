"""Worlds: made landscapes whose truth is known, and whole searches on them.

See docs/landscape.md.
"""

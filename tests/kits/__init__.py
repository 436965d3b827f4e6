"""What several test modules share; imported by name: `from tests.kits.searches import overrides`."""

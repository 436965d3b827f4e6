"""A runtime for the programs of scorers: runs code of answers where no item, target or scorer is known."""

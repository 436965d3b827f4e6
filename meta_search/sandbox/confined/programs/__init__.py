"""What runs a scorer's programs: code of answers, in a sandbox that holds no item, target or scorer."""

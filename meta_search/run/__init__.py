"""What is open or kept in order while anything runs: a search, an evaluation, a final report."""

"""What a meta model's reply says: programs, edits and plans in the many forms in which models write them."""

"""The end of a search: finalists beside baselines on fresh test items, and the verdict."""

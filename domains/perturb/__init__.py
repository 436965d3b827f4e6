"""Perturbed test items: by rule, where a rule can know what the answer is then."""

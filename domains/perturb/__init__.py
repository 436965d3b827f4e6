"""Perturbed test items, after Meta Probing Agents: by rule where a rule can know that the answer stays right."""

"""The guide: Bayesian optimisation of briefs, designs and tuned values; racing. Only it imports Optuna."""

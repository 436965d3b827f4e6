"""Evals that other libraries define: trainsets with metrics of DSPy and GEPA, tasks of lm-eval."""

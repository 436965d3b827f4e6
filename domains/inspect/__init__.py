"""Domain `inspect`: a task of Inspect AI, with its dataset, its prompt and its own scorers (docs/inspect.md).

The task's code never runs in the engine's process. `domain` starts `worker` in a process without keys, which
loads the task and shows what a model is asked; answers are scored in the confined scorer's process, which
loads the task once more (`scorer`). `domain` and `process` import nothing of Inspect AI.
"""

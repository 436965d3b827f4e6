"""The trusted side of the sandbox: starts the processes and checks everything that they send."""

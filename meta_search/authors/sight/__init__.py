"""What the meta agent is shown of a run: parts of a prompt, fitted to a room in tokens."""

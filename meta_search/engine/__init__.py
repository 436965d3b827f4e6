"""The search: `loop` reads first, the other files are its steps and what they need."""

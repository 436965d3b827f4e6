"""The confined side of the sandbox: what runs in the zygote and in its children. Standard library only."""

"""The sandbox's side behind the wall: what runs in the zygote and in its children. Standard library only."""

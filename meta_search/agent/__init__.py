"""What runs inside the sandbox. Standard library only: exported agents carry a copy of this folder."""

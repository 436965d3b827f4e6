"""The sandbox's side that is trusted: it starts processes, holds the pipe and checks what comes through."""

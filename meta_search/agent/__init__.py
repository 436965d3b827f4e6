"""The agent runtime: what candidate code sees and uses inside the sandbox; `runtime.run_item` is the entry.

Standard library only: exported agents carry a copy of this folder.
"""

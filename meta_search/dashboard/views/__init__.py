"""What the page shows, a file a view: pure functions of a run's folder and archive that return plain JSON.

None of them reads all results of a run, imports a domain, or runs anything that an archive holds.
"""

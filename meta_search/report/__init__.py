"""What people see of a run: tables, the verdict, the live view, and report.html.

`tables` has rows and rich tables, `verdict` says whether the seeds were beaten, `live` shows a run as it goes
and `html` writes the page. The archive is handed in; `source.Archive` is what is asked of it.
"""

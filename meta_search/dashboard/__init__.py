"""The page: runs to look at while they go on, as JSON, over HTTP and as one file."""

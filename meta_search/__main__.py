"""`python -m meta_search` is `meta-search`."""

import sys

from meta_search.cli import main

if __name__ == "__main__":
    sys.exit(main())

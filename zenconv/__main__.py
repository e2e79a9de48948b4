"""``python -m zenconv``."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # `-m` puts the current folder first: a file there must not stand in for a library.
        del sys.path[0]

    from zenconv.cli.main import main

    main()

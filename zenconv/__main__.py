"""``python -m zenconv``."""

from zenconv.cli.main import main

if __name__ == "__main__":
    main()

"""`python -m onefill` is the command `onefill`."""

from onefill.cli import main

if __name__ == "__main__":
    main()

"""`python -m relevo` is `relevo`."""

from __future__ import annotations

from relevo.cli import main

if __name__ == "__main__":
    main()

"""``python -m anyclue.record.recorder``, and what the zipapp runs."""

import sys

from .record import main

if __name__ == "__main__":
    sys.exit(main())

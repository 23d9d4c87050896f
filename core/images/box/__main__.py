"""``python -m core.images.box``: the process in the box. Started by ``core.box.process`` only."""

import sys

from core.images.box.inside import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

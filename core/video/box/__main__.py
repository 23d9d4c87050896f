"""``python -m core.video.box``: the process in the box. Started by ``process.py`` only."""

import sys

from core.video.box.inside import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

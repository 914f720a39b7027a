"""Run the command line as ``python -m skmnist``."""

import sys

from skmnist.cli import main

sys.exit(main())

"""`python -m rehearsal`: the deployed application on one machine."""

import sys

from rehearsal.cli import main

sys.exit(main())

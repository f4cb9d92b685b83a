"""``python -m rehearsal.aws``: see :mod:`rehearsal.aws.server`."""

import sys

from rehearsal.aws.server import main

sys.exit(main())

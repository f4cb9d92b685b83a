"""torchrun for hosts that share one machine, without AWS's toolkit or the script knowing.

The toolkit starts `torchrun` by name, finds this folder's first where `FOLDER` leads the PATH, and gives it what is
right in the cloud: a host name that only a cluster resolves and a fixed port. See `launcher.py` for what changes.
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PORT_FILE_VARIABLE = "REHEARSAL_RENDEZVOUS_PORT_FILE"
"""Tells `launcher.py`, which cannot import this, where a job's first host writes the port at which it listens."""

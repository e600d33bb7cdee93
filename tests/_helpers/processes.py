"""Processes that die."""

import os
import signal


def kill(process: int) -> None:
    """Kill it, so that it has no say in it; Windows knows no other signal that does."""
    os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))

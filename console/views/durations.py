"""How long something took or takes, as a person says it."""

from __future__ import annotations


def told(seconds: float) -> str:
    """Such as "45 s", "12 min" or "3 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"

"""Synthetic bins: photos and metadata in the Amazon Bin Image Dataset's own layout, with its oddities."""

from rehearsal.bins.dataset import write_bins

__all__ = ["write_bins"]

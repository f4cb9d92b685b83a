"""From HTTP to photos and back: what is asked, in turn, and in which form it is answered."""

"""A source of bins: their names, what their files say, which are linked, which are taken."""

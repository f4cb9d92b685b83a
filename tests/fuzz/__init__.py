"""Any input at a door gives a result or that door's named error: a file a kind of input, a property a door.

The suite takes a few examples of each, the same in every run. `make fuzz MINUTES=30` takes new ones for so long.
"""

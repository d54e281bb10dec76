"""The independent judge: an exact, plain re-telling of what must happen on given ticks.

It imports nothing of the product, so that agreement between the two means something.
"""

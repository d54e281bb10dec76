"""The nine stages of one order, a file each: the numbers are the published contract's."""

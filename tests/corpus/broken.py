"""Models with one mistake of n^1/2 or more each."""

ENTRIES = ()

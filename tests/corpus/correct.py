"""Correct models of many kinds."""

ENTRIES = ()

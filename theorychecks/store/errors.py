"""What can be wrong with a store, with one of its files, or with an archive."""

from __future__ import annotations


class StoreError(ValueError):
    """A store or an archive that cannot be used; the message says which, which rule, and what to do."""


class NewerFormatError(StoreError):
    """A file that is whole, and was written by a newer version of the package."""


class DamagedError(ValueError):
    """A file that is not what a store has written under this name; the message says what is wrong with it."""

"""What is wrong with a model that cannot be gated, in one class of error."""

from __future__ import annotations


class ModelError(ValueError):
    """A model, its optimizer or its batches do not do what a gate needs; the message says which width and module."""

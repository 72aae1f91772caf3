"""Twenty correct models of many kinds."""

from tests.corpus import attentive, by_hand, of_transformers

ENTRIES = (*of_transformers.ENTRIES, *by_hand.ENTRIES, *attentive.ENTRIES)

"""Packing: pieces of a page that wait, compressed, until a reader asks for them."""

import base64
import gzip
import json
from collections.abc import Sequence

_LEVEL = 9


def packed(pieces: Sequence[str]) -> str:
    """Return pieces of HTML as one text, which the page's script unpacks; the same bytes for the same pieces."""
    return base64.b64encode(gzip.compress(json.dumps(pieces).encode(), _LEVEL, mtime=0)).decode()


def unpacked(text: str) -> list[str]:
    """Return the pieces again, as the page's script does."""
    found = json.loads(gzip.decompress(base64.b64decode(text)))
    return [str(piece) for piece in found]

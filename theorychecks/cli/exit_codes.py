"""Exit codes of commands that judge nothing."""

from typing import Final

UNSOUND: Final = 1
REFUSED: Final = 2
"""What could not be done; `typer` has the same for a wrong option."""
INTERRUPTED: Final = 130

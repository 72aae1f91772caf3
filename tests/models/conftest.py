"""Puts the models that tests here and of gates share within reach."""

import sys
from pathlib import Path

# Under importmode=importlib a test cannot import its neighbour by name.
sys.path.insert(0, str(Path(__file__).parent))

"""Puts the plain implementation of training within reach of the tests here."""

import pytest

from tests.engines import naive as plain


@pytest.fixture(scope="session")
def naive():
    return plain

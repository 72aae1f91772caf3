"""What is interrupted while garbage is looked for is interrupted."""

import gc
import signal

import pytest

from theorychecks import garbage


@pytest.fixture
def called_by_the_collector():
    """Adds functions that the collector calls before and after it collects; what they raise is reported and lost."""
    before, handler = list(gc.callbacks), signal.signal(signal.SIGINT, signal.default_int_handler)
    with garbage.none_looked_for():
        yield gc.callbacks.append
    gc.callbacks[:] = before
    signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("phase", ["start", "stop"])
def test_an_interrupt_while_garbage_is_collected_is_raised_after_it(phase, called_by_the_collector):
    phases = []

    def interrupt(now, _info):
        phases.append(now)
        if now == phase:
            signal.raise_signal(signal.SIGINT)

    called_by_the_collector(interrupt)
    with pytest.raises(KeyboardInterrupt):
        garbage.collect()
    assert phases == ["start", "stop"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_an_interrupt_nothing_is_raised(called_by_the_collector):
    phases = []
    called_by_the_collector(lambda now, _info: phases.append(now))
    garbage.collect()
    assert phases == ["start", "stop"]

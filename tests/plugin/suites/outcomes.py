"""Claims that end in every way in which a claim can end. Run by the tests of the plugin, in a pytest of their own."""

from pathlib import Path

import numpy as np
import pytest
import torch

import theorychecks as tc

WIDTHS = tc.widths(64, 4096)
INVERSE = tc.PowerLaw(-1, within=0.15, rival=-0.5)


def sizes(exponent, noise=0.05):
    """A power of the width with noise of known size."""
    rng = np.random.default_rng(0)
    cells = [n**exponent * np.exp(noise * rng.standard_normal(8)) for n in WIDTHS]
    return tc.Measurement.of(WIDTHS, cells, name="the size")


@tc.claim(id="OUT-1", source="made up")
def test_supported():
    """The size falls like one over the width."""
    assert torch.get_num_threads() == 1
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="OUT-2", source="made up")
def test_refuted():
    """The size falls like one over the width, which it does not."""
    tc.check(sizes(-0.5), INVERSE, label="the refuted size")
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="OUT-3", source="made up")
def test_inconclusive():
    """The size falls like one over the width, as far as one can see."""
    tc.check(sizes(-1, noise=1.0), INVERSE, label="the noisy size")
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="OUT-4", source="made up")
def test_supported_control():
    """The size falls like one over the width, and so does the control."""
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(-1), INVERSE, label="a control that holds")


@tc.claim(id="OUT-5", source="made up")
def test_inconclusive_control():
    """The size falls like one over the width, and of the control nobody knows."""
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(-1, noise=1.0), INVERSE)


@tc.claim(id="OUT-6", source="made up")
@pytest.mark.parametrize("given", [np.float64(2.0), np.arange(3), np.float32(1.0), Path("here")])
def test_numpy(given):
    """The size falls like one over the width, and numpy's numbers are numbers."""
    tc.check(sizes(-1), tc.PowerLaw(np.float32(-1), within=np.float64(0.15), rival=np.float32(-0.5)))
    tc.check_refuted(sizes(0), tc.PowerLaw(np.int64(-1), within=np.float32(0.15), rival=-0.5))


@tc.claim(id="OUT-7", source="made up")
def test_skips_itself():
    """The size falls like one over the width, but not today."""
    tc.check(sizes(-1), INVERSE)
    pytest.skip("not today")
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="OUT-8", source="made up")
def test_breaks_in_the_middle():
    """The size falls like one over the width, until the test breaks."""
    tc.check(sizes(-1), INVERSE)
    raise RuntimeError("broken in the middle")
    tc.check_refuted(sizes(0), INVERSE)


@pytest.fixture
def broken():
    raise RuntimeError("broken before the claim")


@tc.claim(id="OUT-9", source="made up")
def test_breaks_before_it_starts(broken):
    """The size falls like one over the width, and the fixture breaks."""
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="OUT-10", source="made up")
@pytest.mark.skip(reason="marked")
def test_is_marked_to_be_skipped():
    """The size falls like one over the width, and nobody looks."""
    tc.check(sizes(-1), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)


@tc.claim(id="OUT-11", source="made up")
def test_has_no_control():
    """The size falls like one over the width, and nothing is said of where it does not."""
    tc.check(sizes(-1), INVERSE)


class TestMethods:
    @tc.claim(id="OUT-12", source="made up")
    @pytest.mark.parametrize("number", [1, 2])
    def test_method(self, number):
        """A claim may be a method."""
        tc.check(sizes(-1), INVERSE)
        tc.check_refuted(sizes(0), INVERSE)

    def test_plain_method(self):
        assert torch.get_num_threads() == 3


@tc.claim(id="OUT-13", source="made up")
def test_trained():
    """After two steps a hidden matrix has moved by Theta(1/n) of its Frobenius norm."""
    lazy = tc.Training(
        tc.MLP(2, tc.TANH, tc.STANDARD),
        data=tc.GaussianMixture(samples=8, seed=0),
        learning_rate=tc.scaled(0.3, width=-1),
        loss=tc.MSE,
        steps=2,
    )
    moved = tc.Sweep(tc.WeightChange("hidden", norm="frobenius"), lazy, widths=tc.widths(128, 2048), seeds=4)
    tc.check(moved, tc.PowerLaw(-1, within=0.24, rival=-0.5))
    tc.check_refuted(moved.under(tc.MAXIMAL_UPDATE), tc.PowerLaw(-1, within=0.24, rival=-0.5))


def test_plain():
    assert torch.get_num_threads() == 3

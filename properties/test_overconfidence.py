"""Overconfidence at rate n^-1/2 under cross-entropy: outputs grow with the width, and errors stay what they are.

Outputs over n^1/2 have a limit, so that only test inputs whose margin there is below n^-1/2 leave a network in doubt.
"""

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.papers import LARGE_RATES
from theorychecks.strategies import activations

HAAS = "Haas et al. 2025, arXiv:2505.22491"
WIDTHS = tc.widths(256, 4096)
"""Below 256 doubt has local exponents of -0.3 to -0.4: the error falls as well."""
BUDGET = 32
SAMPLES = 128
TEST_INPUTS = 2048
"""Some fifty of them in doubt at the largest width."""
RATE = 1.5
"""At width 64: outputs are a few units there after the step."""


def trained(alpha: float, *, activation: tc.Activation, data: int) -> tc.Training:
    """One step on overlapping classes at a rate that falls as n^-alpha, the same at width 64 for any alpha."""
    return tc.Training(
        tc.MLP(2, activation, tc.STANDARD, centred=True),
        learning_rate=tc.scaled(RATE * 64**alpha, width=-alpha),
        data=tc.GaussianMixture(dimension=8, samples=SAMPLES, test_samples=TEST_INPUTS, spread=1.0, seed=data),
        loss=tc.CROSS_ENTROPY,
        steps=1,
    )


@tc.observable
def doubt_over_error(run):
    """One less the mean largest probability on test inputs, over the fraction of them in a wrong class.

    It is one where confidence is as large as accuracy, and zero where a network is sure of whatever it says.
    """
    # In double precision, where one less a probability near one is not lost.
    data, outputs = run.training.data, run.outputs(run.steps, "test").to(torch.float64)
    labels = (data.samples + torch.arange(data.test_samples)) % data.classes
    doubt = 1 - torch.softmax(outputs, dim=-1).amax(dim=-1)
    return doubt.mean(dim=-1) / (outputs.argmax(dim=-1) != labels).to(doubt).mean(dim=-1)


@tc.claim(
    id="H9",
    source=f"{HAAS}, the authors' thread: controlled divergence can cause overconfidence at scale; the exponent is "
    "derived here from that of the outputs",
    evidence=True,
    paper=LARGE_RATES,
)
@given(activation=activations(), data=st.integers(0, 99))
@example(activation=tc.TANH, data=0)
def test_confidence_comes_to_exceed_accuracy_by_the_whole_error(activation, data):
    """Under standard parametrization at rate n^-1/2 and cross-entropy the mean doubt of a centred network with two
    hidden layers on test inputs of overlapping classes, one less the largest probability, is after one step
    Theta(n^-1/2) of its error, so that confidence less accuracy comes to be the error itself; at rate 1/n doubt is not
    Theta(n^-1/2) of the error.
    """
    edge, stable = (
        tc.Sweep(doubt_over_error, trained(alpha, activation=activation, data=data), widths=WIDTHS, budget=BUDGET)
        for alpha in (1 / 2, 1)
    )
    falls = tc.PowerLaw(-1 / 2, within=0.15, rival=0)

    tc.check(edge, falls)
    tc.check_refuted(stable, falls)

"""In the kernel regime a ridge stands for noise of targets: trained networks sample a Gaussian process's posterior."""

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.posterior_ensemble import Ensemble
from properties.test_canonical_regularisation import PAPER, TASK
from theorychecks.strategies import activations, depths, regression_data

MEMBERS = 128
"""Of one run: the variance over them scatters by a fifteenth."""
WIDTHS = (32, 64, 128)
RUNS, RUNS_OF_CONTROL = 32, 12
VARIANCE, DISTANCE = "variance over the posterior's", "squared distance to the posterior's mean over its variance"
SAMPLED = tc.Equal(within=0.1)
"""The controls' variances are between a tenth and two thirds of the posterior's."""


@tc.quantity(along="width", name="{ensemble.randomised} random", cost=2.0)
def against_the_posterior(width, draw, *, ensemble):
    """How far trained members lie from each other, and from the posterior's mean, over test inputs."""
    posterior = ensemble.posterior()
    mean, variance = torch.from_numpy(posterior.mean), torch.from_numpy(posterior.variance)
    members = [ensemble.predictions(int(width), MEMBERS, draw.generator(seed)).double() for seed in draw.seeds]
    found = torch.stack(members)
    return {
        VARIANCE: found.var(dim=1).mean(dim=1) / variance.mean(),
        DISTANCE: (found - mean).square().mean(dim=(1, 2)) / variance.mean(),
    }


@tc.claim(
    id="CR/noise",
    source="arXiv:2605.18180 (abstract: ridge underpins the NN-GP correspondence, which allows noise to be modelled); "
    "He, Lakshminarayanan, Teh 2020, arXiv:2007.05864 (abstract, and ntkgp_param in the authors' code, "
    "bobby-he/bayesian-ntk) for the ensemble; the margin and widths measured here",
    paper=PAPER,
    evidence=True,
)
@given(
    depth=depths(1, 2),
    activation=activations(),
    noise=st.sampled_from([0.1, 0.3, 1.0]),
    data=regression_data(samples=4, test_samples=16, dimension=4, outputs=1),
)
@example(depth=1, activation=tc.TANH, noise=0.3, data=TASK)
def test_randomised_networks_with_a_ridge_sample_the_posterior_of_their_tangent_kernel(depth, activation, noise, data):
    """Networks in the NTK parametrization, with random prior functions and noise added to their targets, trained with a
    ridge of this noise's variance towards their initial weights, scatter as the posterior of the Gaussian process with
    the infinite-width tangent kernel: at widths 32, 64 and 128, variance and squared distance to its mean within 10%.
    Plain ensembles, and those with noise alone, do not. The margin was widened after pilot runs; the rivals, these
    ensembles, have less than two thirds of the posterior's variance.
    """
    setting = {"data": data, "activation": activation, "depth": depth, "noise": noise}
    tc.check(against_the_posterior(ensemble=Ensemble(**setting)).over(WIDTHS, seeds=RUNS), SAMPLED)
    for randomised in ("nothing", "targets"):
        other = against_the_posterior(ensemble=Ensemble(**setting, randomised=randomised))
        tc.check_refuted(other.over(WIDTHS, seeds=RUNS_OF_CONTROL).of(name=VARIANCE), SAMPLED)

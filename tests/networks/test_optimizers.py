"""Each optimizer steps as an independent program does, in units of its own, and a diverged seed is nobody else's."""

from dataclasses import FrozenInstanceError, dataclass, replace

import numpy as np
import pytest
import torch

from theorychecks.networks import SGD, Adam, Muon, Optimizer, SignDescent

LION = SignDescent(beta1=0.8, beta2=0.95)
EXACT, FAST = Muon(momentum=0.9), Muon(momentum=0.9, orthogonalisation="newton-schulz")
EVERY_OPTIMIZER = pytest.mark.parametrize(
    "optimizer",
    [SGD(), SGD(momentum=0.9), Adam(), LION, SignDescent(beta1=0.0, beta2=0.0), EXACT, FAST, Muon(momentum=0.0)],
    ids=repr,
)


def gradients(steps=6, shape=(3, 5, 4), seed=0):
    """A sequence of random gradients of a few seeds."""
    return np.random.default_rng(seed).standard_normal((steps, *shape))


def directions(optimizer, given, dtype=torch.float64):
    """What an optimizer makes of a sequence of gradients [step, seed, row, column], divided as it says."""
    given = torch.as_tensor(given).to(dtype)
    state = [torch.zeros_like(given[0]) for _ in range(optimizer.copies)]
    made = []
    for count, gradient in enumerate(given, start=1):
        direction, divisor = optimizer.step(gradient.clone(), state, count)
        made.append(direction.clone() / divisor)
    return torch.stack(made)


def moves(optimizer_class, given, **options):
    """Minus what one of torch's optimizers moves a weight by in each step at the rate one."""
    weight = torch.nn.Parameter(torch.zeros(given.shape[1:], dtype=torch.float64))
    optimizer = optimizer_class([weight], lr=1.0, **options)
    made = []
    for gradient in given:
        before = weight.detach().clone()
        weight.grad = torch.as_tensor(gradient)
        optimizer.step()
        made.append(before - weight.detach())
    return torch.stack(made)


@pytest.mark.parametrize(
    "optimizer, its, options",
    [
        (SGD(), torch.optim.SGD, {}),
        (SGD(momentum=0.9), torch.optim.SGD, {"momentum": 0.9}),
        (Adam(), torch.optim.Adam, {"eps": 1e-12}),
        (Adam(betas=(0.7, 0.95), epsilon=0.1), torch.optim.Adam, {"betas": (0.7, 0.95), "eps": 0.1}),
    ],
)
def test_gradient_descent_and_adam_step_as_torch_does(optimizer, its, options):
    given = gradients()
    for seed in range(3):
        expected = moves(its, given[:, seed], **options)
        torch.testing.assert_close(directions(optimizer, given)[:, seed], expected, rtol=1e-12, atol=1e-13)
    other = replace(optimizer, **({"momentum": 0.5} if isinstance(optimizer, SGD) else {"betas": (0.5, 0.95)}))
    assert not torch.allclose(directions(other, given)[:, 0], moves(its, given[:, 0], **options), rtol=1e-2)


def test_sign_descent_steps_as_lion_is_written():
    # Chen et al. 2023, arXiv:2302.06675, Algorithm 2.
    given, mean = gradients(), np.zeros((3, 5, 4))
    found = directions(LION, given)
    for step, gradient in enumerate(given):
        mixed = LION.beta1 * mean + (1 - LION.beta1) * gradient
        mean = LION.beta2 * mean + (1 - LION.beta2) * gradient
        np.testing.assert_array_equal(found[step], np.sign(mixed))
    # The mean comes in after the step, and by a decay of its own.
    assert (directions(replace(LION, beta2=0.8), given) != found).any()
    assert (directions(SignDescent(beta1=0.0), given) != found).any()


def test_without_means_sign_descent_is_the_sign_of_the_gradient():
    given = gradients()
    given[:, :, 0] = 0.0
    np.testing.assert_array_equal(directions(SignDescent(beta1=0.0, beta2=0.0), given), np.sign(given))


@pytest.mark.parametrize("shape", [(3, 5, 4), (2, 4, 5), (2, 6, 6), (2, 1, 7), (2, 7, 1)])
def test_muon_goes_along_the_singular_vectors_of_the_sum(shape):
    given, summed = gradients(shape=shape), np.zeros(shape)
    found = directions(EXACT, given)
    for step, gradient in enumerate(given):
        summed = 0.9 * summed + gradient
        for seed in range(shape[0]):
            left, _, right = np.linalg.svd(summed[seed], full_matrices=False)
            np.testing.assert_allclose(found[step, seed], left @ right, atol=1e-11)
    np.testing.assert_allclose(np.linalg.svd(found.numpy(), compute_uv=False), 1, atol=1e-12)
    assert not torch.allclose(directions(Muon(momentum=0.0), given), found, atol=0.01)


def scalar_newton_schulz(values):
    """Five rounds of Jordan's polynomial (https://kellerjordan.github.io/posts/muon) on numbers."""
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return values


@pytest.mark.parametrize("shape", [(3, 5, 4), (2, 4, 9), (2, 30, 30)])
def test_newton_schulz_acts_on_singular_values_alone(shape):
    given = gradients(steps=1, shape=shape)
    (found,) = directions(FAST, given)
    for seed in range(shape[0]):
        left, sizes, right = np.linalg.svd(given[0, seed], full_matrices=False)
        expected = left * scalar_newton_schulz(sizes / np.linalg.norm(sizes)) @ right
        np.testing.assert_allclose(found[seed], expected, atol=1e-9)


def test_newton_schulz_takes_singular_values_into_the_band_it_says():
    ends = scalar_newton_schulz(np.geomspace(0.002, 1, 10**5))
    assert 0.68 < ends.min() < ends.max() < 1.21
    assert scalar_newton_schulz(np.array(0.001)) < 0.5


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon from 2.9")
def test_newton_schulz_steps_as_torch_does_in_bfloat16():
    given = gradients(shape=(2, 8, 8))
    for seed in range(2):
        # Shapes are square, so that torch's factor sqrt(max(1, rows / columns)) is one.
        expected = moves(torch.optim.Muon, given[:, seed], momentum=0.9, nesterov=False, weight_decay=0.0)
        for found, its in zip(directions(FAST, given)[:, seed], expected, strict=True):
            assert torch.linalg.norm(found - its) < 0.05 * torch.linalg.norm(its)
        assert torch.linalg.norm(directions(replace(FAST, momentum=0.0), given)[-1, seed] - expected[-1]) > 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_directions_that_a_batch_does_not_have_are_not_made_up(dtype):
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(2, 3, n, generator=generator, dtype=dtype) for n in (200, 150))
    (found,) = directions(Muon(), torch.bmm(left.mT, right)[None], dtype)
    sizes = torch.linalg.svdvals(found)
    torch.testing.assert_close(sizes[:, :3], torch.ones(2, 3, dtype=dtype), rtol=1e-5, atol=0)
    assert (sizes[:, 3:] < 1e-5).all()
    # What lies outside of the batch stays where it is.
    outside = torch.linalg.svd(right[0])[2][3:]
    assert (found[0] @ outside.T).abs().max() < 1e-5


@pytest.mark.parametrize("optimizer", [LION, EXACT, FAST, Muon(momentum=0.0)], ids=repr)
@pytest.mark.parametrize(
    "dtype, factor", [(torch.float32, 2.0**-100), (torch.float32, 2.0**100), (torch.float64, 2.0**-700)]
)
def test_the_size_of_gradients_does_not_matter(optimizer, dtype, factor):
    given = torch.as_tensor(gradients(), dtype=dtype)
    torch.testing.assert_close(directions(optimizer, factor * given, dtype), directions(optimizer, given, dtype))


@EVERY_OPTIMIZER
def test_a_gradient_of_zero_moves_nothing(optimizer):
    assert (directions(optimizer, np.zeros((3, 2, 5, 4))) == 0).all()


@EVERY_OPTIMIZER
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_diverged_seed_shows_and_leaves_its_neighbours_alone(optimizer, wrong):
    given = gradients()
    calm = directions(optimizer, given)
    given[2:, 1, 3, 2] = wrong
    found = directions(optimizer, given)
    assert torch.equal(found[:, [0, 2]], calm[:, [0, 2]])
    assert torch.equal(found[:2], calm[:2])
    assert not found[2:, 1, 3, 2].isfinite().any()
    assert not directions(optimizer, np.full((2, 2, 4, 4), wrong)).isfinite().any()


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), LION, EXACT, FAST], ids=repr)
@pytest.mark.parametrize("dtype, rounding", [(torch.float32, 1e-4), (torch.bfloat16, 0.2), (torch.float16, 0.05)])
def test_directions_have_the_precision_of_the_gradients(optimizer, dtype, rounding):
    given = torch.as_tensor(gradients(steps=2, shape=(2, 12, 4))).to(dtype)
    found = directions(optimizer, given, dtype)
    assert found.dtype == dtype
    expected = directions(optimizer, given.double())
    assert torch.linalg.norm(found.double() - expected) < rounding * torch.linalg.norm(expected)


@EVERY_OPTIMIZER
def test_seeds_do_not_know_of_each_other(optimizer):
    given = gradients()
    apart = [directions(optimizer, given[:, [seed]]) for seed in range(3)]
    torch.testing.assert_close(directions(optimizer, given), torch.cat(apart, dim=1), rtol=1e-12, atol=1e-12)


def test_what_engines_ask_has_an_answer():
    told = {optimizer: (optimizer.name, optimizer.heavy_ball, optimizer.copies) for optimizer in (SGD(), Adam(), LION)}
    assert list(told.values()) == [("sgd", 0.0, 0), ("adam", None, 2), ("sign descent", None, 1)]
    assert (SGD(momentum=0.5).heavy_ball, SGD(momentum=0.5).copies) == (0.5, 1)
    assert (Muon().name, Muon().heavy_ball, Muon().copies, Muon(momentum=0.0).copies) == ("muon", None, 1, 0)
    assert SignDescent(beta1=0.0).copies == 0
    assert repr(Muon()) == "Muon(momentum=0.95, orthogonalisation='svd')"


@pytest.mark.parametrize("optimizer", [SGD(), Adam(), LION, EXACT])
def test_equal_optimizers_are_one_and_do_not_change(optimizer):
    assert optimizer == replace(optimizer)
    assert hash(optimizer) == hash(replace(optimizer))
    with pytest.raises(FrozenInstanceError):
        optimizer.momentum = 0.1


@pytest.mark.parametrize(
    "made, message",
    [
        (lambda: SGD(momentum=1.0), r"a momentum lies in \[0, 1\); got 1.0"),
        (lambda: Muon(momentum=-0.1), "a momentum lies in .*; got -0.1"),
        (lambda: SignDescent(beta1=float("nan")), "beta1 lies in .*; got nan"),
        (lambda: SignDescent(beta2=1.5), "beta2 lies in .*; got 1.5"),
        (lambda: Adam(betas=(0.9, 1.0)), "a beta lies in .*; got 1.0"),
        (lambda: Adam(betas=0.9), r"betas are a pair like \(0.9, 0.999\); got 0.9"),
        (lambda: Adam(betas=[0.9, 0.999]), r"betas are a pair like .*; got \[0.9, 0.999\]"),
        (lambda: Adam(epsilon=0.0), "an epsilon is positive; got 0.0"),
        (lambda: Muon(orthogonalisation="qr"), "orthogonalisation is 'svd' or 'newton-schulz'; got 'qr'"),
    ],
)
def test_options_outside_of_their_range_are_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_an_optimizer_that_leaves_something_unsaid_cannot_be_made():
    @dataclass(frozen=True)
    class Unfinished(Optimizer):
        heavy_ball = None
        copies = 0

    with pytest.raises(TypeError, match=r"abstract.*exponent.*step"):
        Unfinished()

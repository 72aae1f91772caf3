"""In the kernel regime a vanishing ridge towards the initial weights leaves gradient flow's solution; when rich, not.

Networks have two layers and are fitted to zero loss by gradient flow, targets relative to the initial function. The
ridge then acts for a long time, along the zero-loss set. What is left of its pull across that set where gradient flow
ended, relative to the distance travelled, is the KKT residual kappa; it is zero where the ridge changes nothing.
The paper's abstract has the statements about the two regimes; every exponent, and kappa, is derived and measured here.
"""

from typing import Literal, get_args

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

import theorychecks as tc
from properties.subjects.arc import arc_penalised
from properties.subjects.descent import gradient_descent
from theorychecks.dynamics import zero_loss
from theorychecks.dynamics.two_layer import Start, TwoLayer, initial_weights
from theorychecks.dynamics.zero_loss import Fitting, anchored_flow, gradient_flow, lengths, slide
from theorychecks.strategies import activations, regression_data

PAPER = tc.Paper(
    title="Canonical regularisation (Whittle, Vaidhyanathan, Ziomek, Ares, Osborne 2026)",
    arxiv="2605.18180",
    seen="abstract",
    undecided={
        "Ridge is the only canonical regulariser in the kernel regime, geodesic ridge in the rich one": (
            "axioms and definitions are not in the abstract, and a uniqueness theorem is no scaling law"
        ),
        "The implicit prior is a Riemannian Gibbs process": "its definition is not in the abstract",
        "Arc ridge is a minimax-robust surrogate": (
            "its functional is not in the abstract; CR-5 tests a penalty on the path's length that was derived here"
        ),
        "Ridge damages pretrained image and language networks most": (
            "ResNet18 and DistilBERT are out of reach; CR-7 is a toy of it"
        ),
        "Arc ridge keeps a pretrained network better than anchored ridge does, at high regularisation (second-hand)": (
            "its functional was not seen; CR-7 compares both with plain ridge, and not with each other"
        ),
    },
)
ABSTRACT = "Whittle et al. 2026, arXiv:2605.18180 (abstract)"
EXPONENTS = "exponents and the KKT residual derived and measured here"

Regime = Literal["kernel", "rich"]
REGIMES = get_args(Regime)
TASK = tc.Teacher(dimension=4, outputs=1, samples=4, test_samples=32, largest_cosine=0.5)
TASKS = regression_data(samples=4, test_samples=32, dimension=4, outputs=1)
SMOOTH = activations(smooth=True)
STARTS = st.sampled_from(["independent", "doubled"])
DRIFT, GAP = "drift of the weights", "function gap"
WIDTHS = tc.widths(128, 32768, factor=4)
"""From where the KKT residual, which is at most one, is below 0.15 in the kernel regime."""
SLID_WIDTHS = tc.widths(256, 8192)
"""A slide takes four hundred steps, gradient flow forty."""
AT_REST = 0.05
"""Of the pull, at the end of a slide; at its beginning it is about a third when rich."""


def fitting(width: int, scale: float, activation: tc.Activation, start: Start, task: tc.Teacher, draw: tc.Draw):
    """Networks of all seeds with the task as a change of their initial functions, and their initial weights."""
    drawn = task.draw()
    weights = initial_weights([draw.rng(seed) for seed in draw.seeds], width, task.dimension, start=start)
    network, inputs = TwoLayer(activation, scale), torch.from_numpy(drawn.inputs)
    targets = torch.from_numpy(drawn.targets[:, 0]) + network.outputs(weights, inputs)
    return Fitting(network, inputs, targets), weights


def distance(first: Tensor, second: Tensor) -> Tensor:
    """Between weights, [seed]."""
    return lengths(first - second)


def gap(fitted: Fitting, first: Tensor, second: Tensor, task: tc.Teacher) -> Tensor:
    """Root mean square difference of two functions over test inputs, [seed]."""
    inputs = torch.from_numpy(task.draw().test_inputs)
    difference = fitted.network.outputs(first, inputs) - fitted.network.outputs(second, inputs)
    return difference.square().mean(1).sqrt()


def scale_of(regime: Regime, width: int) -> float:
    """Of the output: that of the NTK parametrization, or the mean-field one."""
    return 1.0 if regime == "kernel" else width**-0.5


@tc.quantity(along="width", name="KKT residual, {regime}", cost=1.0)
def kkt_residual(
    width: float, draw: tc.Draw, *, regime: Regime, activation: tc.Activation, start: Start, task: tc.Teacher
) -> Tensor:
    """What is left of the anchor's pull where gradient flow has ended, relative to the way, [seed]."""
    fitted, initial = fitting(int(width), scale_of(regime, int(width)), activation, start, task, draw)
    return zero_loss.kkt_residual(fitted, gradient_flow(fitted, initial), initial)


@tc.quantity(along="width", name="{regime} regime", cost=1.0)
def vanishing_ridge(
    width: float, draw: tc.Draw, *, regime: Regime, activation: tc.Activation, start: Start, task: tc.Teacher
) -> dict[str, Tensor]:
    """How far a vanishing ridge towards the initial weights moves gradient flow's solution."""
    fitted, initial = fitting(int(width), scale_of(regime, int(width)), activation, start, task, draw)
    flowed = gradient_flow(fitted, initial)
    # Where J hardly changes a long step is exact; when rich it might end on a two-cycle.
    duration, slide_step = (10.0, 0.5) if regime == "kernel" else (8.0, 0.02)
    slid = slide(fitted, flowed, initial, duration=duration, slide_step=slide_step, at_rest=AT_REST)
    return {
        DRIFT: distance(slid, flowed) / distance(flowed, initial),
        GAP: gap(fitted, slid, flowed, task),
    }


@tc.claim(id="CR-1", source=f"{ABSTRACT}; {EXPONENTS}", paper=PAPER)
@given(activation=SMOOTH, start=STARTS, task=TASKS)
@example(activation=tc.TANH, start="independent", task=TASK)
def test_a_vanishing_ridge_does_not_move_the_kernel_regime(activation, start, task):
    """With a smooth activation, in the kernel regime, a vanishing ridge towards the initial weights moves the weights
    that gradient flow has found by Theta(n^-1/2) of the distance travelled and the function by Theta(1/n), and their
    KKT residual is Theta(n^-1/2); in the rich regime none of this is so.
    """
    setting = {"activation": activation, "start": start, "task": task}
    before = {regime: kkt_residual(regime=regime, **setting).over(WIDTHS) for regime in REGIMES}
    after = {regime: vanishing_ridge(regime=regime, **setting).over(SLID_WIDTHS, budget=32) for regime in REGIMES}
    root, inverse = tc.PowerLaw(-1 / 2, rival=0), tc.PowerLaw(-1, within=0.2, rival=-1 / 2)

    tc.check(before["kernel"], root)
    tc.check(after["kernel"].of(name=DRIFT), root)
    tc.check(after["kernel"].of(name=GAP), inverse)
    tc.check_refuted(before["rich"], root)
    tc.check_refuted(after["rich"].of(name=DRIFT), root)
    tc.check_refuted(after["rich"].of(name=GAP), inverse)


@tc.claim(id="CR-2", source=f"{ABSTRACT}, for the bias; {EXPONENTS}", paper=PAPER)
@given(activation=SMOOTH, start=STARTS, task=TASKS)
@example(activation=tc.TANH, start="independent", task=TASK)
def test_a_vanishing_ridge_moves_the_rich_regime_at_any_width(activation, start, task):
    """With a smooth activation, in the rich regime (mean-field scale), a vanishing ridge towards the initial weights
    moves what gradient flow has found at any width: the KKT residual, the drift of the weights and the function gap
    tend to nonzero constants; in the kernel regime they do not.
    """
    setting = {"activation": activation, "start": start, "task": task}
    before = {regime: kkt_residual(regime=regime, **setting).over(WIDTHS) for regime in REGIMES}
    after = {regime: vanishing_ridge(regime=regime, **setting).over(SLID_WIDTHS, budget=32) for regime in REGIMES}
    plateau, after_a_slide = tc.Plateau(rival=-1 / 2), tc.Plateau(within=0.1, rival=-1 / 2)

    tc.check(before["rich"], plateau)
    tc.check(after["rich"], after_a_slide)
    tc.check_refuted(before["kernel"], plateau)
    tc.check_refuted(after["kernel"], after_a_slide)


SCALE_WIDTH = 1024
LEAST_RESIDUAL = 0.1
"""It is never above one, and was between 0.2 and 0.9 where it is to be above this."""


@tc.quantity(along="output scale", name="KKT residual", shared=True)
def kkt_residual_by_scale(
    scale: float, draw: tc.Draw, *, activation: tc.Activation, start: Start, task: tc.Teacher
) -> Tensor:
    """At an output scale in units of n^-1/2, which is the mean-field scale."""
    fitted, initial = fitting(SCALE_WIDTH, scale * SCALE_WIDTH**-0.5, activation, start, task, draw)
    return zero_loss.kkt_residual(fitted, gradient_flow(fitted, initial), initial)


@tc.claim(
    id="CR-3",
    source="derived and measured here; the abstract's two regimes at one width. Towards zero the KKT residual rises, "
    "from 0.2 to 0.4 at the mean-field scale to 0.6 to 0.9 at a 256th of it",
    paper=PAPER,
)
@given(activation=activations(among=(tc.TANH, tc.ERF)), start=STARTS, task=TASKS)
@example(activation=tc.TANH, start="independent", task=TASK)
def test_the_kkt_residual_does_not_vanish_richly_and_falls_as_the_inverse_output_scale_lazily(activation, start, task):
    """With tanh or erf, at a fixed width, the KKT residual stays above a tenth as the output scale falls from the
    mean-field one to a 256th of it, and is Theta(1 / scale) from 8 times the mean-field one on, on both sides of the
    NTK scale. Neither holds in the other's range.
    """
    residual = kkt_residual_by_scale(activation=activation, start=start, task=task)
    small, large = residual.over((1 / 256, 1 / 64, 1 / 16, 1 / 4, 1)), residual.over((8, 16, 32, 64, 128, 256))
    # In units of the mean-field scale, across the NTK scale, where nothing changes: an expansion in its inverse, and
    # corrections of relative order n^-1/2 beyond it.
    inverse = tc.PowerLaw(-1, corrections=tc.FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0)))
    above = tc.Ordering("above")

    tc.check(small, above, against=LEAST_RESIDUAL)
    tc.check(large, inverse)
    tc.check_refuted(residual.over((64, 128, 256)), above, against=LEAST_RESIDUAL)
    tc.check_refuted(small, inverse)


@tc.quantity(along="output scale", name="function gap, {start}", shared=True)
def gap_by_scale(scale: float, draw: tc.Draw, *, activation: tc.Activation, start: Start, task: tc.Teacher) -> Tensor:
    """Of a vanishing ridge, at width 256."""
    fitted, initial = fitting(256, scale, activation, start, task, draw)
    flowed = gradient_flow(fitted, initial)
    slid = slide(fitted, flowed, initial, duration=10.0, slide_step=0.5, at_rest=AT_REST)
    return gap(fitted, slid, flowed, task)


@tc.claim(id="CR-1/scale", source="derived and measured here", paper=PAPER)
@given(activation=SMOOTH, task=TASKS)
@example(activation=tc.TANH, task=TASK)
def test_the_function_gap_falls_with_the_output_scale_by_symmetry(activation, task):
    """With a smooth activation, at a fixed width and for output scales above the NTK parametrization's, a vanishing
    ridge moves the function by Theta(1 / scale), and by Theta(1 / scale^2) where neurons are doubled, because first
    orders cancel in pairs.
    """
    independent, doubled = (
        gap_by_scale(activation=activation, start=start, task=task).over((8, 16, 32, 64, 128))
        for start in ("independent", "doubled")
    )
    # An expansion in 1 / scale at fixed width.
    beyond = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,))
    first, second = tc.PowerLaw(-1, corrections=beyond, rival=-2), tc.PowerLaw(-2, corrections=beyond, rival=-1)

    tc.check(independent, first)
    tc.check(doubled, second)
    tc.check_refuted(independent, second)
    tc.check_refuted(doubled, first)


RIDGE_WIDTH = 256
RIDGES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
"""In units of the squared output scale, as the kernel's eigenvalues are; these lie between 0.5 and 10."""
BY_RIDGE, BY_TIME = "ridge times time", "the same time for all"
SLOW_TIMES = (0.25, 1.0, 4.0)
AT_SLOW_TIMES = tuple(f"{DRIFT}, {BY_RIDGE} = {slow:g}" for slow in SLOW_TIMES)
SAME_TIME = 300.0


@tc.quantity(along="ridge strength", name="anchored ridge, rich", shared=True)
def anchored(
    ridge: float, draw: tc.Draw, *, activation: tc.Activation, start: Start, task: tc.Teacher
) -> dict[str, Tensor]:
    """How far from gradient flow's solution the flow with a ridge is when rich."""
    fitted, initial = fitting(RIDGE_WIDTH, RIDGE_WIDTH**-0.5, activation, start, task, draw)
    flowed = gradient_flow(fitted, initial)
    times = sorted({*SLOW_TIMES, ridge * SAME_TIME})
    points = anchored_flow(fitted, initial, ridge=ridge / RIDGE_WIDTH, slow_times=times)
    moved = distance(flowed, initial)
    found = {slow: distance(point, flowed) / moved for slow, point in zip(times, points, strict=True)}
    readings = {name: found[slow] for name, slow in zip(AT_SLOW_TIMES, SLOW_TIMES, strict=True)}
    readings[f"{DRIFT}, {BY_TIME}"] = found[ridge * SAME_TIME]
    readings[GAP] = gap(fitted, points[-1], flowed, task)
    return readings


EARLY, LATE = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4), (2, 4, 8, 16, 32)


@tc.quantity(along=BY_RIDGE, name=DRIFT, shared=True)
def drift_in_time(time: float, draw: tc.Draw, *, activation: tc.Activation, start: Start, task: tc.Teacher) -> Tensor:
    """At a ridge that is small enough to leave zero loss at all times."""
    fitted, initial = fitting(RIDGE_WIDTH, RIDGE_WIDTH**-0.5, activation, start, task, draw)
    flowed = gradient_flow(fitted, initial)
    (point,) = anchored_flow(fitted, initial, ridge=1e-5 / RIDGE_WIDTH, slow_times=(time,), slide_step=0.05)
    return distance(point, flowed) / distance(flowed, initial)


@tc.claim(id="CR-4", source="derived and measured here", paper=PAPER)
@given(activation=SMOOTH, start=STARTS, task=TASKS)
@example(activation=tc.TANH, start="independent", task=TASK)
def test_the_ridge_acts_on_the_time_scale_of_its_inverse(activation, start, task):
    """With a smooth activation, in the rich regime, the drift of the weights from gradient flow's solution, at a time T
    of the flow with an anchored ridge, depends on ridge times T alone while the ridge is small, within 10 per cent: it
    grows as Theta(ridge T) while that is small, and no longer so beyond. So the limits T to infinity and ridge to zero
    do not commute.
    """
    setting = {"activation": activation, "start": start, "task": task}
    drift, in_time, collapse = anchored(**setting).over(RIDGES), drift_in_time(**setting), tc.Collapse(within=0.1)
    # An expansion in ridge times time.
    linear = tc.PowerLaw(1, corrections=tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), towards="zero"), rival=0)

    tc.check(drift.of(name=AT_SLOW_TIMES), collapse)
    tc.check(in_time.over(EARLY), linear)
    tc.check_refuted(drift.of(name=f"{DRIFT}, {BY_TIME}"), collapse)
    tc.check_refuted(in_time.over(LATE), linear)


@tc.quantity(along="ridge strength", name=f"{GAP}, path penalised, {{regime}}", shared=True)
def path_penalised(
    strength: float, draw: tc.Draw, *, regime: Regime, activation: tc.Activation, start: Start, task: tc.Teacher
) -> Tensor:
    """How far from gradient flow's solution training stops with a penalty on the path's length."""
    scale = scale_of(regime, RIDGE_WIDTH)
    fitted, initial = fitting(RIDGE_WIDTH, scale, activation, start, task, draw)
    stopped = arc_penalised(fitted, initial, strength=strength * scale**2)
    return gap(fitted, stopped, gradient_flow(fitted, initial), task)


@tc.claim(
    id="CR-5",
    source=f"{ABSTRACT}, that arc ridge is tied to early stopping; the functional and the exponent derived here",
    paper=PAPER,
)
@given(regime=st.sampled_from(["rich", "kernel"]), activation=SMOOTH, start=STARTS, task=TASKS)
@example(regime="rich", activation=tc.TANH, start="independent", task=TASK)
def test_a_penalty_on_the_path_vanishes_with_its_strength(regime, activation, start, task):
    """By construction a penalty strength/2 * length^2 on the path of training stops gradient flow early. With a smooth
    activation it does so, in both regimes, at a function gap of Theta(strength): it has no bias in the limit; an
    anchored ridge's function gap in the rich regime is not Theta(strength).
    """
    # One over the kernel's eigenvalues is the only scale, and the expansion is in whole powers.
    small = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), towards="zero")
    proportional = tc.PowerLaw(1, corrections=small, rival=0)
    setting = {"activation": activation, "start": start, "task": task}

    tc.check(path_penalised(regime=regime, **setting).over(RIDGES), proportional)
    tc.check_refuted(anchored(**setting).over(RIDGES).of(name=GAP), proportional)


@tc.quantity(along="width", name=f"{GAP}, plain ridge", cost=1.0)
def plain_ridge(width: float, draw: tc.Draw, *, activation: tc.Activation, start: Start, task: tc.Teacher) -> Tensor:
    """How far a vanishing ridge towards zero moves the function in the kernel regime."""
    fitted, initial = fitting(int(width), 1.0, activation, start, task, draw)
    flowed = gradient_flow(fitted, initial)
    slid = slide(fitted, flowed, torch.zeros_like(flowed), duration=4.0, slide_step=0.05)
    return gap(fitted, slid, flowed, task)


@tc.claim(
    id="CR-6",
    source="derived and measured here; public summaries of arXiv:2605.18180 say that it covers plain ridge",
    paper=PAPER,
)
@given(activation=SMOOTH, start=STARTS, task=TASKS)
@example(activation=tc.TANH, start="doubled", task=TASK)
def test_plain_ridge_biases_the_kernel_regime_as_well(activation, start, task):
    """With a smooth activation, in the kernel regime, a vanishing ridge towards zero moves the function by Omega(1) by
    a time of 4 over the ridge: the initial weights are lost. Anchored there, it does not.
    """
    setting = {"activation": activation, "start": start, "task": task}
    anchored_there = vanishing_ridge(regime="kernel", **setting).over(SLID_WIDTHS, budget=32)
    nonzero = tc.LowerBound(0, within=0.2, rival=-1)

    tc.check(plain_ridge(**setting).over(SLID_WIDTHS, budget=64), nonzero)
    tc.check_refuted(anchored_there.of(name=GAP), nonzero)


@tc.quantity(along="learning rate", name="KKT residual", shared=True)
def kkt_residual_by_rate(rate: float, draw: tc.Draw, *, activation: tc.Activation, task: tc.Teacher) -> Tensor:
    """Where gradient descent ends in the rich regime, by its rate times the kernel's eigenvalue."""
    fitted, initial = fitting(RIDGE_WIDTH, RIDGE_WIDTH**-0.5, activation, "independent", task, draw)
    return zero_loss.kkt_residual(fitted, gradient_descent(fitted, initial, rate=rate), initial)


@tc.claim(id="CR-2/step", source="derived and measured here", paper=PAPER)
@given(activation=SMOOTH, task=TASKS)
@example(activation=tc.TANH, task=TASK)
def test_short_steps_end_where_shorter_ones_do(activation, task):
    """With a smooth activation, in the rich regime, gradient descent at up to a tenth of one over the first kernel's
    largest eigenvalue ends where shorter steps do, its KKT residual within 15%; at seven tenths it does not.
    """
    residual = kkt_residual_by_rate(activation=activation, task=task)

    tc.check(residual.over((0.025, 0.05, 0.1)), tc.Collapse(within=0.15))
    tc.check_refuted(residual.over((0.1, 0.7)), tc.Collapse(within=0.15))


Penalty = Literal["path", "anchored", "plain"]
Kinship = Literal["related", "opposite"]
FINE_TUNED_WIDTH = 128
RELATED = 0.3
"""How much of the second task is new."""


class FineTuning:
    """Networks of all seeds that have been trained on one task, and another task with fewer samples."""

    def __init__(self, activation: tc.Activation, kinship: Kinship, draw: tc.Draw) -> None:
        drawn = [_two_tasks(draw.rng(seed, "tasks"), kinship) for seed in draw.seeds]
        first, targets, second, new_targets, self.test, self.wanted = map(
            torch.from_numpy, map(np.stack, zip(*drawn, strict=True))
        )
        network = TwoLayer(activation, FINE_TUNED_WIDTH**-0.5)
        rngs = [draw.rng(seed, "weights") for seed in draw.seeds]
        initial = initial_weights(rngs, FINE_TUNED_WIDTH, first.shape[-1], start="doubled")
        self.pretrained = gradient_flow(Fitting(network, first, targets), initial, growth=1.3)
        self.fitting = Fitting(network, second, new_targets)

    def trained(self, penalty: Penalty, strength: float) -> Tensor:
        """Weights after training on the second task, with a penalty in units of the squared output scale."""
        strength = strength / FINE_TUNED_WIDTH
        if penalty == "path":
            return arc_penalised(self.fitting, self.pretrained, strength=strength)
        anchor = self.pretrained if penalty == "anchored" else torch.zeros_like(self.pretrained)
        return anchored_flow(
            self.fitting, self.pretrained, ridge=strength, slow_times=(4.0,), anchor=anchor, slide_step=0.1
        )[0]

    def test_error(self, weights: Tensor) -> Tensor:
        """Root mean square on the second task, [seed]."""
        return (self.fitting.network.outputs(weights, self.test) - self.wanted).square().mean(1).sqrt()


def _two_tasks(rng: np.random.Generator, kinship: Kinship) -> tuple[np.ndarray, ...]:
    """Inputs and targets of a first task, of a second one, and of the second one's test."""
    first, other = _random_function(rng), _random_function(rng)
    sign = 1 if kinship == "related" else -1

    def second(inputs: np.ndarray) -> np.ndarray:
        return sign * np.sqrt(1 - RELATED**2) * first(inputs) + RELATED * other(inputs)

    many, few, test = (_on_sphere(rng.standard_normal((samples, 4))) for samples in (12, 4, 128))
    return many, first(many), few, second(few), test, second(test)


def _random_function(rng: np.random.Generator):
    inner, outer = rng.standard_normal((4, 4)) / 2, rng.standard_normal(4)
    return lambda inputs: np.tanh(inputs @ inner) @ outer


def _on_sphere(inputs: np.ndarray) -> np.ndarray:
    return inputs * np.sqrt(inputs.shape[1]) / np.linalg.norm(inputs, axis=1, keepdims=True)


@tc.quantity(along="ridge strength", name="test error, {penalty}, {kinship} task", shared=True)
def fine_tuned(
    strength: float, draw: tc.Draw, *, penalty: Penalty, activation: tc.Activation, kinship: Kinship
) -> Tensor:
    """The test error after fine-tuning with a penalty."""
    tuning = FineTuning(activation, kinship, draw)
    return tuning.test_error(tuning.trained(penalty, strength))


@tc.claim(
    id="CR-7",
    source="public summaries of arXiv:2605.18180, whose experiments are with ResNet18 and DistilBERT; the toy, and "
    "what holds in it, measured here",
    trend=True,
    paper=PAPER,
)
@given(activation=SMOOTH)
@example(activation=tc.TANH)
def test_strong_weight_decay_destroys_what_pretraining_has_learned(activation):
    """Fine-tuned on a few samples of a related task under strong regularisation, a rich network with a smooth
    activation has a larger test error with a ridge towards zero than with one towards the pretrained weights, or with a
    penalty on the path's length. On the opposite task, where pretraining misleads, it has a smaller one than with a
    ridge towards the pretrained weights at some strength.
    """
    related, opposite = (
        {
            penalty: fine_tuned(penalty=penalty, activation=activation, kinship=kinship).over((0.3, 1.0, 3.0))
            for penalty in ("plain", "anchored", "path")
        }
        for kinship in ("related", "opposite")
    )
    worse = tc.Ordering("above")

    tc.check(related["plain"], worse, against=related["anchored"], label="plain over anchored ridge")
    tc.check(related["plain"], worse, against=related["path"], label="plain ridge over path penalty")
    tc.check_refuted(opposite["plain"], worse, against=opposite["anchored"], label="the same on the opposite task")

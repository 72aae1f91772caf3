"""Particles: a wide two-layer network as a system of neurons, under noiseless and noisy gradient descent.

The network is f(x) = N^-p sum_i a_i phi(w_i . x / d^1/2) with one output, and a particle is theta_i = (a_i, w_i).
Its loss is R = sum_x (f(x) - y(x))^2 / (2 P), and one step is

    theta_i <- theta_i - rate N^(2p-1) dR/dtheta_i - rate confinement theta_i + (2 rate temperature)^1/2 xi_i

The mean-field scaling is p = 1: a gradient is of order 1/N, and the learning rate is multiplied by N, so that particles
move by an amount of order one (Mei, Montanari and Nguyen 2018, arXiv:1804.06561; from memory, not re-read).
At p = 1/2 it is the NTK parametrization.

Particles that do not interact are the limit: each moves in the field of infinitely many others, which acts on it
through the residuals f(x) - y(x) on the training inputs and nothing else. A `Field` holds those, step by step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import torch
from torch import Tensor

from theorychecks.networks import Activation
from theorychecks.networks.data import Data

Noise = Callable[[], Tensor]
"""Independent standard normal numbers, new ones at every call, [system, parameter, particle]."""
_NUMBERS_AHEAD: Final = 2**12
"""Of noise, for each system: a call of a generator costs as much as a thousand numbers."""
_TOGETHER: Final = 2**17
"""Particles times points in one batch: what a step touches stays in the cache."""


class _Points(NamedTuple):
    inputs: Tensor
    targets: Tensor
    test_inputs: Tensor


@dataclass(frozen=True, kw_only=True)
class Particles:
    """How particles move; states are [system, 1 + d, particle], the readout weight of a particle first.

    Attributes:
        activation: phi.
        data: with one output.
        rate: of the gradient step, before powers of N.
        confinement: of every parameter, by weight decay; it is not divided by N.
        temperature: of the noise.
        power: p, by which the sum over particles is divided: 1 for the mean field, 1/2 for NTK parametrization.
        dtype: of states.
    """

    activation: Activation
    data: Data
    rate: float
    confinement: float = 0.0
    temperature: float = 0.0
    power: float = 1.0
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        if self.data.outputs != 1:
            raise ValueError(f"particles have one output; the data have {self.data.outputs}. Take outputs=1.")
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"a learning rate is positive and finite; got {self.rate}")
        for name in ("confinement", "temperature"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is zero or above; got {value}")
        if not math.isfinite(self.power):
            raise ValueError(f"the power of N is a finite number, 1 for the mean field; got {self.power}")

    @cached_property
    def points(self) -> _Points:
        """Inputs [P, d] and test inputs [Q, d], divided by d^1/2, and targets [P]."""
        drawn = self.data.draw()
        root = math.sqrt(self.data.dimension)
        inputs, tests = (torch.as_tensor(x / root, dtype=self.dtype) for x in (drawn.inputs, drawn.test_inputs))
        return _Points(inputs, torch.as_tensor(drawn.targets[:, 0], dtype=self.dtype), tests)

    @property
    def parameters(self) -> int:
        """Of one particle, the dimension in which its law lives."""
        return 1 + self.data.dimension

    def initial(self, particles: int, generators: Sequence[torch.Generator]) -> Tensor:
        """Independent standard normal parameters, one system a generator, [system, 1 + d, particle]."""
        shape = self.parameters, particles
        return torch.stack([torch.randn(shape, generator=own, dtype=self.dtype) for own in generators])

    def outputs(self, state: Tensor, inputs: Tensor) -> Tensor:
        """The function of each system at inputs [Q, d] that are divided by d^1/2 already, [system, Q]."""
        values = self.activation.function(inputs @ state[:, 1:])
        return (values @ state[:, :1].mT).squeeze(-1) * self._share(state)

    def losses(self, state: Tensor) -> Tensor:
        """Half the mean squared residual, [system]."""
        return (self.outputs(state, self.points.inputs) - self.points.targets).square().mean(dim=1) / 2

    def sharpness(self, state: Tensor) -> Tensor:
        """The largest eigenvalue of the tangent kernel over P, times N^(2p-1), [system].

        Times the rate it is to stay below 2, and below 0.3 where steps stand for gradient flow.
        """
        inputs, samples = self.points.inputs, len(self.points.inputs)
        preactivations = inputs @ state[:, 1:]
        values = self.activation.function(preactivations)
        slopes = self.activation.slope(preactivations, values) * state[:, :1]
        kernel = values @ values.mT + (slopes @ slopes.mT) * (inputs @ inputs.T)
        eigenvalues: Tensor = torch.linalg.eigvalsh(kernel.double())
        return eigenvalues[:, -1] / (samples * state.shape[-1])

    def rate_for(self, particles: int) -> float:
        """The learning rate of so many particles: a multiple N^(2p-1) of the given one."""
        return float(self.rate * particles ** (2 * self.power - 1))

    def gradient(self, state: Tensor) -> Tensor:
        """dR/dtheta, of the shape of the state."""
        preactivations = self.points.inputs @ state[:, 1:]
        values = self.activation.function(preactivations)
        share = self._share(state)
        residuals = (values @ state[:, :1].mT) * share - self.points.targets[:, None]
        return self._pull(state, preactivations, values, residuals) * share

    def step(self, state: Tensor, noise: Tensor | None = None) -> Tensor:
        """One step of interacting particles."""
        return self._moved(state, self.gradient(state), self.rate_for(state.shape[-1]), noise)

    def step_in_field(self, state: Tensor, residuals: Tensor, noise: Tensor | None = None) -> Tensor:
        """One step of particles that do not interact, in the field of residuals [P] of a limit.

        Raises:
            ValueError: unless p is 1: other powers have no such limit.
        """
        if self.power != 1:
            raise ValueError(f"particles move in the field of a limit where power=1; got power={self.power:g}")
        preactivations = self.points.inputs @ state[:, 1:]
        values = self.activation.function(preactivations)
        return self._moved(state, self._pull(state, preactivations, values, residuals[:, None]), self.rate, noise)

    @property
    def noise_size(self) -> float:
        """Standard deviation of the noise of one step, in every parameter of every particle."""
        return math.sqrt(2 * self.rate * self.temperature)

    def _share(self, state: Tensor) -> float:
        """What the sum over particles is multiplied by."""
        return float(state.shape[-1] ** -self.power)

    def _pull(self, state: Tensor, preactivations: Tensor, values: Tensor, residuals: Tensor) -> Tensor:
        """The gradient of mean_x r(x) a phi(w . x) in a particle's parameters, residuals [system, P, 1]."""
        weighted = residuals / residuals.shape[-2]
        slopes = self.activation.slope(preactivations, values) * weighted
        return torch.cat([weighted.mT @ values, self.points.inputs.T @ slopes * state[:, :1]], dim=1)

    def _moved(self, state: Tensor, gradient: Tensor, rate: float, noise: Tensor | None) -> Tensor:
        moved = state * (1 - self.rate * self.confinement) - rate * gradient
        if self.temperature == 0:
            return moved
        if noise is None:
            raise ValueError(f"at temperature {self.temperature:g} a step needs noise; give noise=gaussian_noise(...)")
        return moved + self.noise_size * noise


def gaussian_noise(generators: Sequence[torch.Generator], particles: int, parameters: int) -> Noise:
    """Noise of every step, one system a generator; systems do not depend on those beside them.

    Generators are drawn from for many steps at once, so hand each over for good.
    """
    # A generator's numbers depend on how many are asked for at once, so that must not depend on the other systems.
    steps = max(_NUMBERS_AHEAD // (particles * parameters), 1)

    def drawn() -> Iterator[Tensor]:
        while True:
            shape = steps, parameters, particles
            yield from torch.stack([torch.randn(shape, generator=own) for own in generators], dim=1)

    numbers = drawn()
    return lambda: next(numbers)


def trajectory(
    dynamics: Particles, state: Tensor, times: Collection[int], noise: Noise | None = None
) -> dict[int, Tensor]:
    """States [system, 1 + d, particle] at some times, in steps; interacting particles."""
    kept = {}
    for time in range(max(times) + 1):
        if time:
            state = dynamics.step(state, noise() if noise else None)
        if time in times:
            kept[time] = state
    return kept


@dataclass(frozen=True)
class Field:
    """What acts on a particle in the limit of infinitely many, as a very wide system approximates it.

    Attributes:
        residuals: on the training inputs before each step, and after the last one, [steps + 1, P].
        outputs: on the test inputs at these times, [steps + 1, Q].
        particles: of the wide system; its own error is of the order of one over their root.
    """

    residuals: Tensor
    outputs: Tensor
    particles: int

    @property
    def losses(self) -> Tensor:
        """Half the mean squared residual at every time, [steps + 1]."""
        return self.residuals.square().mean(dim=1) / 2


def wide_field(dynamics: Particles, particles: int, steps: int, generator: torch.Generator) -> Field:
    """The field of one very wide system, drawn by one generator.

    Raises:
        ValueError: unless p is 1, where alone there is a limit.
    """
    return _field(dynamics, dynamics.initial(particles, [generator]), steps, generator)


def quasi_random_field(dynamics: Particles, particles: int, steps: int) -> Field:
    """The field without noise, of initial parameters that fill the normal law more evenly than chance: Sobol points.

    Its error falls nearly as 1/N (Owen 1997; from memory), so that some ten thousand do for millions.

    Raises:
        ValueError: unless p is 1 and the temperature zero: Sobol points stand for initial parameters, not for noise.
    """
    if dynamics.temperature:
        raise ValueError(
            f"quasi-random particles know no noise; got temperature {dynamics.temperature:g}. Take wide_field."
        )
    engine = torch.quasirandom.SobolEngine(dynamics.parameters, scramble=True, seed=0)  # type: ignore[no-untyped-call]
    uniform = engine.draw(particles, dtype=torch.float64)
    normal = torch.special.ndtri(uniform.clamp(1e-12, 1 - 1e-12))
    return _field(dynamics, normal.to(dynamics.dtype).T.contiguous()[None], steps, None)


def _field(dynamics: Particles, state: Tensor, steps: int, generator: torch.Generator | None) -> Field:
    if dynamics.power != 1:
        raise ValueError(f"only the mean-field scaling, power=1, has a limit; got power={dynamics.power:g}")
    residuals, outputs = [], []
    for time in range(steps + 1):
        residuals.append(dynamics.outputs(state, dynamics.points.inputs)[0] - dynamics.points.targets)
        outputs.append(dynamics.outputs(state, dynamics.points.test_inputs)[0])
        if time < steps:
            noise = None
            if dynamics.temperature and generator is not None:
                noise = torch.randn(state.shape, generator=generator, dtype=state.dtype)
            state = dynamics.step(state, noise)
    return Field(torch.stack(residuals), torch.stack(outputs), state.shape[-1])


def same_noise(noise: Noise, other: Noise) -> Iterator[tuple[Tensor, Tensor]]:
    """The synchronous coupling: both processes have the first noise (Sznitman 1991; from memory)."""
    while True:
        numbers = noise()
        yield numbers, numbers


def own_noise(noise: Noise, other: Noise) -> Iterator[tuple[Tensor, Tensor]]:
    """No coupling beyond the initial parameters: each process has noise of its own."""
    while True:
        yield noise(), other()


def coupled_distances(
    dynamics: Particles,
    field: Field,
    state: Tensor,
    times: Collection[int],
    noises: Iterator[tuple[Tensor, Tensor]],
) -> dict[int, Tensor]:
    """Root mean square distance of interacting particles to copies of them that move in a given field, [system].

    Raises:
        ValueError: if the field ends before the last of the times.
    """
    if max(times) >= len(field.residuals):
        raise ValueError(f"the field ends at step {len(field.residuals) - 1}; got times up to {max(times)}")
    copies, found = state, {}
    for time in range(max(times) + 1):
        if time:
            noise, other = next(noises)
            state = dynamics.step(state, noise)
            copies = dynamics.step_in_field(copies, field.residuals[time - 1], other)
        if time in times:
            found[time] = (state - copies).square().sum(dim=1).mean(dim=1).sqrt()
    return found


def batches(seeds: Sequence[int], particles: int, points: int) -> list[Sequence[int]]:
    """Seeds in groups small enough for a step to stay in the cache, and one at least in each."""
    size = max(_TOGETHER // (particles * points), 1)
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]

"""Wide networks in the mean-field scaling are many particles, each in the field of all."""

from functools import lru_cache

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from theorychecks.dynamics.particles import (
    Particles,
    batches,
    coupled_distances,
    gaussian_noise,
    own_noise,
    quasi_random_field,
    same_noise,
    trajectory,
    wide_field,
)
from theorychecks.strategies import activations, regression_data

TEACHER = tc.Teacher(dimension=8, samples=6, test_samples=16, largest_cosine=0.5)
COUNTS = tc.widths(64, 4096, factor=2)
STEPS = 10
RATE = 0.4
SYSTEMS = 16


def size(values):
    return values.square().mean(dim=-1).sqrt()


def systems(dynamics, count, draw, group):
    """Batches of initial states and noise, a seed's systems next to each other."""
    for seeds in batches(draw.seeds, group * count, len(dynamics.points.inputs)):
        places = [(seed, k) for seed in seeds for k in range(group)]
        state = dynamics.initial(count, [draw.generator(*place) for place in places])
        noises = [
            gaussian_noise([draw.generator(*place, process) for place in places], count, dynamics.parameters)
            for process in ("noise", "other noise")
        ]
        yield state, noises


@lru_cache(maxsize=8)
def noiseless(dynamics, steps=STEPS, budget=32):
    if dynamics.power == 1:
        field = quasi_random_field(dynamics, 2**15, steps)
        limit, loss = field.outputs[-1], field.losses[-1]
    else:
        wide = dynamics.initial(2**15, [torch.Generator().manual_seed(0)])
        end = trajectory(dynamics, wide, [steps])[steps]
        limit, loss = dynamics.outputs(end, dynamics.points.test_inputs)[0], dynamics.losses(end)[0]

    def read(value, draw):
        found = {"seed sd": [], "distance": [], "loss": []}
        for state, _ in systems(dynamics, int(value), draw, SYSTEMS):
            end = trajectory(dynamics, state, [steps])[steps]
            outputs = dynamics.outputs(end, dynamics.points.test_inputs).unflatten(0, (-1, SYSTEMS))
            losses = dynamics.losses(end).unflatten(0, (-1, SYSTEMS))
            found["seed sd"].append(outputs.var(dim=1).mean(dim=1).sqrt())
            found["distance"].append((outputs - limit).square().mean(dim=(1, 2)).sqrt())
            found["loss"].append(size(losses - loss))
        return {name: torch.cat(parts) for name, parts in found.items()}

    return tc.Scan(read, COUNTS, along="particles", name="x", cost=1.0, budget=budget)


@lru_cache(maxsize=8)
def noisy(dynamics, times=(4, 16, 64), budget=16):
    def read(value, draw):
        found = {f"time {time}": [] for time in times}
        for state, (noise, _) in systems(dynamics, int(value), draw, SYSTEMS):
            for time, then in trajectory(dynamics, state, times, noise).items():
                outputs = dynamics.outputs(then, dynamics.points.test_inputs).unflatten(0, (-1, SYSTEMS))
                found[f"time {time}"].append(outputs.var(dim=1).mean(dim=1).sqrt())
        return {name: torch.cat(parts) for name, parts in found.items()}

    return tc.Scan(read, COUNTS, along="particles", name="seed sd", cost=1.0, budget=budget)


@lru_cache(maxsize=8)
def in_time(dynamics, times, budget=16):
    def read(value, draw):
        found = []
        time = round(value / dynamics.rate)
        for state, (noise, _) in systems(dynamics, 64, draw, SYSTEMS):
            then = trajectory(dynamics, state, [time], noise)[time]
            outputs = dynamics.outputs(then, dynamics.points.test_inputs).unflatten(0, (-1, SYSTEMS))
            found.append(outputs.var(dim=1).mean(dim=1).sqrt())
        return torch.cat(found)

    return tc.Scan(read, times, along="time", name="seed sd", cost=1.0, budget=budget)


@lru_cache(maxsize=8)
def coupled(dynamics, coupling, times=(4, 16, 64), budget=16):
    field = wide_field(dynamics, 2**17, max(times), torch.Generator().manual_seed(0))

    def read(value, draw):
        found = {f"time {time}": [] for time in times}
        for state, noises in systems(dynamics, int(value), draw, 1):
            for time, distance in coupled_distances(dynamics, field, state, times, coupling(*noises)).items():
                found[f"time {time}"].append(distance)
        return {name: torch.cat(parts) for name, parts in found.items()}

    return tc.Scan(read, COUNTS, along="particles", name="distance", cost=1.0, budget=budget)

"""Many particles in the mean-field limit: noise, coupling, the measure they sample, and the atoms it ends on.

The network is a sum over particles, divided by their number, and each moves in the field of all.
"""

from functools import lru_cache

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects.wasserstein import squared_wasserstein
from theorychecks.dynamics.particles import (
    Particles,
    batches,
    coupled_distances,
    gaussian_noise,
    own_noise,
    same_noise,
    trajectory,
    wide_field,
)
from theorychecks.strategies import activations, regression_data

PAPER = tc.Paper(
    title="Feature Learning in Wide Neural Networks under muP: Identifiability and Sparse-Dictionary Decomposition of "
    "the Mean-Field Limit",
    arxiv="2605.24710",
    seen="abstract",
    undecided={
        "the mean-field limit exists globally and is unique, with the largest admissible moment weight": "existence is "
        "no matter of finitely many particles, and the assumptions were not seen",
        "two measures give one function exactly when their active parts agree up to symmetry": "claimed here of 2 to 4 "
        "neurons that were trained to one function, never of all measures",
        "the number of atoms is at most an explicit coefficient threshold": "the formula of the threshold was not seen",
        "the total error is a sum of statistical, optimisation, propagation-of-chaos and sparse parts": "an upper "
        "bound with constants that were not seen",
    },
    doubtful={
        "the finite-particle approximation has squared Wasserstein rate O(1/N), uniformly in time": "ambiguous: true "
        "if it is the distance of coupled particles, one by one, as measured at five times over two decades (MF-8); "
        "not true if it is that of the empirical measure in many dimensions d, where independent particles already "
        "come no closer to their law than N^(-2/d) (MF-9, d = 5 and 8)",
        "the support of the long-time limit is finitely many atoms, under noisy gradient descent": "at positive "
        "temperature the invariant law has a density; true without noise and with a penalty of total-variation type "
        "(MF/sparse), or if the Barron-Hermite condition or the active support, neither seen, leave the noise out",
    },
)

TEACHER = tc.Teacher(dimension=8, samples=6, test_samples=16, largest_cosine=0.5)
COUNTS = tc.widths(64, 4096, factor=2)
SYSTEMS = 16
"""Read together for one value: their root mean square scatters little, and is never near zero by chance."""
WIDE = 2**17
"""Particles whose field stands for the limit: its own error is an eighth of that of the largest held against it."""
HALF = tc.PowerLaw(-1 / 2)
STEPS = 10
TIMES = (4, 12, 24)
"""In steps; the confinement relaxes within a dozen."""
COUPLED_TIMES = (4, 12, 40, 120, 400)
"""Two decades, in steps: before the confinement relaxes, and long after."""
COUPLED_COUNTS = tc.widths(64, 2048, factor=2)
"""Four hundred steps of sixteen systems of the largest size take some seconds."""
CONFINED = {"rate": 0.4, "confinement": 0.2, "temperature": 0.1}
MOMENTS = (32, 64, 128, 256, 512)
IN_TIME = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=12.5)
"""From two and a half relaxation times on; the class stands for what is left of it."""


def teachers():
    """Regression data of the canonical size, many draws."""
    return regression_data(samples=6, test_samples=16, dimension=8, outputs=1)


def root_mean_square(values, dim):
    """Over these dimensions."""
    return values.square().mean(dim=dim).sqrt()


def seed_deviation(dynamics, state):
    """Standard deviation over a value's systems, root mean square over test inputs, [value]."""
    outputs = dynamics.outputs(state, dynamics.points.test_inputs)
    return outputs.unflatten(0, (-1, SYSTEMS)).var(dim=1).mean(dim=1).sqrt()


def joined(parts):
    """Readings by name, from those of batches of seeds."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def systems(dynamics, count, draw, group):
    """Batches of initial states, each with what draws its noise by name; a value's systems are neighbours."""
    for seeds in batches(draw.seeds, group * count, len(dynamics.points.inputs)):
        places = [(seed, k) for seed in seeds for k in range(group)]

        def noise(name, places=places):
            own = [draw.generator(*place, name) for place in places]
            return gaussian_noise(own, count, dynamics.parameters)

        yield dynamics.initial(count, [draw.generator(*place) for place in places]), noise


@tc.quantity(along="particles", name="seed deviation", cost=1.0)
def noisy_deviation(particles, draw, *, dynamics):
    """The seed deviation of outputs, at several times of noisy dynamics."""
    parts = []
    for state, noise in systems(dynamics, int(particles), draw, SYSTEMS):
        kept = trajectory(dynamics, state, TIMES, noise("noise"))
        parts.append({f"step {time}": seed_deviation(dynamics, then) for time, then in kept.items()})
    return joined(parts)


@tc.quantity(along="steps", name="seed deviation of {particles} particles", cost=1.0)
def deviation_in_time(steps, draw, *, particles, dynamics):
    """Of their outputs."""
    parts = []
    for state, noise in systems(dynamics, particles, draw, SYSTEMS):
        then = trajectory(dynamics, state, [int(steps)], noise("noise"))[int(steps)]
        parts.append(seed_deviation(dynamics, then))
    return torch.cat(parts)


@lru_cache(maxsize=8)
def limit_field(dynamics):
    """Of the coupled copies, the same for all of them; it takes a while."""
    return wide_field(dynamics, WIDE, max(COUPLED_TIMES), torch.Generator().manual_seed(0))


@tc.quantity(along="particles", name="distance per particle", cost=1.0)
def distance(particles, draw, *, dynamics, coupling):
    """Root mean square distance per particle to copies in the limit field, at several times."""
    field, parts = limit_field(dynamics), []
    for state, noise in systems(dynamics, int(particles), draw, SYSTEMS):
        pairs = coupling(noise("of particles"), noise("of copies"))
        found = coupled_distances(dynamics, field, state, COUPLED_TIMES, pairs)
        parts.append(
            {f"step {time}": root_mean_square(one.unflatten(0, (-1, SYSTEMS)), 1) for time, one in found.items()}
        )
    return joined(parts)


@tc.claim(
    id="MF-6",
    source="Chen, Ren and Wang 2022, arXiv:2212.03050 (abstract), and Suzuki, Nitanda and Wu 2023 (abstract), bounds "
    "on laws, uniform in time; Theta for the function derived here",
    paper=PAPER,
)
@given(activation=activations(among=(tc.TANH, tc.ERF)), data=teachers())
@example(activation=tc.TANH, data=TEACHER)
def test_noisy_particles_fluctuate_by_one_over_root_particles_before_and_after_they_relax(activation, data):
    """With a bounded, smooth activation and under noisy gradient descent with confinement the standard deviation of the
    function over seeds is Theta(N^-1/2) after 4, 12 and 24 steps, that is before and after the confinement relaxes; in
    NTK scaling it is not.
    """
    mean_field = Particles(activation=activation, data=data, **CONFINED)
    ntk = Particles(activation=activation, data=data, **CONFINED, power=0.5)
    tc.check(noisy_deviation(dynamics=mean_field).over(COUNTS, budget=32), HALF)
    tc.check_refuted(noisy_deviation(dynamics=ntk).over(COUNTS, budget=32), HALF)


@tc.claim(
    id="MF-6/time",
    source="Chen, Ren and Wang 2022, arXiv:2212.03050 (abstract), bounds on laws, uniform in time; the control "
    "measured here: without confinement particles diffuse, and their variance grows like t",
    paper=PAPER,
)
@given(particles=st.sampled_from([16, 64, 256]), activation=activations(among=(tc.TANH, tc.ERF)), data=teachers())
@example(particles=16, activation=tc.TANH, data=TEACHER)
@example(particles=64, activation=tc.TANH, data=TEACHER)
@example(particles=256, activation=tc.TANH, data=TEACHER)
def test_confinement_keeps_fluctuations_from_growing_in_time(particles, activation, data):
    """With a bounded, smooth activation and under noisy gradient descent with confinement the standard deviation of the
    function over seeds of 16, 64 and 256 particles does not grow from 32 to 512 steps; without confinement it does.
    """
    bounded = tc.UpperBound(0, within=0.2, rival=1 / 2, corrections=IN_TIME)
    confined = Particles(activation=activation, data=data, **CONFINED)
    free = Particles(activation=activation, data=data, **CONFINED | {"confinement": 0.0})
    tc.check(deviation_in_time(particles=particles, dynamics=confined).over(MOMENTS), bounded)
    tc.check_refuted(deviation_in_time(particles=particles, dynamics=free).over(MOMENTS), bounded)


@tc.claim(
    id="MF-8",
    source="Sznitman 1991 (from memory), for Lipschitz fields; Theta and the root derived here; with ReLU, "
    "whose gradient jumps, local exponents rise to -0.4 from 1,024 particles on (measured here)",
    paper=PAPER,
    evidence=True,
)
@given(activation=activations(among=(tc.TANH, tc.ERF)), data=teachers())
@example(activation=tc.TANH, data=TEACHER)
def test_coupled_particles_stay_within_one_over_root_particles_of_the_limit(activation, data):
    """With a bounded, smooth activation and confinement, started together and driven by the same noise, N particles and
    their copies in the limit field stay a root mean square distance Theta(N^-1/2) apart, particle by particle, at five
    times from 4 to 400 steps; driven by noise of their own they do not.
    """
    dynamics = Particles(activation=activation, data=data, **CONFINED)
    coupled, apart = (
        distance(dynamics=dynamics, coupling=coupling).over(COUPLED_COUNTS, budget=32)
        for coupling in (same_noise, own_noise)
    )
    half = tc.PowerLaw(-1 / 2, within=0.1, rival=0)
    tc.check(coupled, half)
    tc.check_refuted(apart, half, label="distance per particle, each with its own noise")


@tc.quantity(along="particles", name="squared Wasserstein distance", cost=2.0)
def wasserstein(particles, draw, *, dimension):
    """Squared distance between two samples of the uniform law on the torus."""
    samples = [draw.rng(seed).random((2, int(particles), dimension)) for seed in draw.seeds]
    return [squared_wasserstein(*pair, period=1.0) for pair in samples]


@tc.claim(
    id="MF-9",
    source="Divol 2021, arXiv:2101.08126 (abstract, and a public summary), for the torus: N^(-1/d) for the distance "
    "itself from d = 3 on, N^(-1/2) in one dimension, so that its square is Theta(1/N) there; Fournier and Guillin "
    "2015, arXiv:1312.2128 (abstract); measured here: the power holds from 16 points on, for a normal law nearly so, "
    "while on the cube the boundary makes it -0.45 (d = 5) and -0.30 (d = 8) up to 1,024",
    paper=PAPER,
)
@given(dimension=st.sampled_from([5, 8]))
@example(dimension=5)
@example(dimension=8)
def test_empirical_measures_approach_their_law_slowly_in_many_dimensions(dimension):
    """The squared Wasserstein distance between two samples of N independent points, uniform on a torus of d = 5 or 8
    dimensions, is Theta(N^(-2/d)), up to 0.08 in the exponent, which tells 5 dimensions from 8, but neither from all of
    its neighbours; in one dimension it is not.
    """
    corrections = tc.FiniteSizeClass(rho=3 / 8, omegas=(1 / dimension, 2 / dimension, 1.0), unit=1)
    law = tc.PowerLaw(-2 / dimension, corrections=corrections)
    squared, on_a_circle = (wasserstein(dimension=d).over(tc.widths(16, 1024, factor=2)) for d in (dimension, 1))
    tc.check(squared, law)
    tc.check_refuted(on_a_circle, law)


def permuted(state, rng):
    """Particles in another order."""
    return state[..., torch.as_tensor(rng.permutation(state.shape[-1]))]


def sign_flipped(state, rng):
    """Some particles with all parameters of the other sign."""
    return state * torch.as_tensor(rng.choice([-1.0, 1.0], size=state.shape[-1]))


def rescaled(state, rng):
    """Weights multiplied, and readouts divided, by a factor for each particle."""
    factors = torch.as_tensor(rng.uniform(0.5, 2.0, size=state.shape[-1]))
    return torch.cat([state[:, :1] / factors, state[:, 1:] * factors], dim=1)


@tc.quantity(
    along="particles",
    name="one plus the change of the function, particles {transform.__name__}, after {steps} steps",
    about=(("phi", "{activation}"),),
)
def one_plus_difference(particles, draw, *, activation, transform, steps):
    """One plus the relative difference of the function when particles are transformed, after so many steps."""
    dynamics = Particles(activation=activation, data=TEACHER, rate=0.4, dtype=torch.float64)
    found = []
    for seed in draw.seeds:
        state = dynamics.initial(int(particles), [draw.generator(seed)])
        pair = torch.cat([state, transform(state, draw.rng(seed, "transform"))])
        end = trajectory(dynamics, pair, [steps])[steps]
        function, other = dynamics.outputs(end, dynamics.points.test_inputs)
        found.append(1 + (other - function).norm() / function.norm())
    return torch.stack(found)


@tc.claim(
    id="MF/symmetries",
    source="arXiv:2605.24710 (abstract) speaks of realisation symmetries; these ones, and what training does to them, "
    "derived here",
    paper=PAPER,
)
@given(odd=activations(among=(tc.TANH, tc.ERF)))
@example(odd=tc.TANH)
def test_symmetric_particles_have_one_function(odd):
    """Particles that are permuted, or flipped in sign with an odd activation, or rescaled with ReLU, have the same
    function; it stays the same in training if they are permuted or flipped, and not if they are rescaled.
    """
    equal, still_equal = tc.Identity(ulps=256, dtype="float64"), tc.Identity(ulps=2**14, dtype="float64")

    def difference(activation, transform, steps=0):
        one_plus = one_plus_difference(activation=activation, transform=transform, steps=steps)
        return one_plus.over((8, 64, 512), seeds=8)

    tc.check(difference(odd, permuted), equal)
    tc.check(difference(odd, sign_flipped), equal)
    tc.check(difference(tc.RELU, rescaled), equal)
    tc.check_refuted(difference(odd, rescaled), equal)
    tc.check_refuted(difference(tc.RELU, sign_flipped), equal)

    tc.check(difference(odd, permuted, STEPS), still_equal)
    tc.check(difference(odd, sign_flipped, STEPS), still_equal)
    tc.check_refuted(difference(tc.RELU, rescaled, STEPS), still_equal)


def effective_atoms(state, degrees=10.0):
    """The inverse chance that two particles, drawn by |a| |w|, agree in direction and in the sign of a, [system].

    Neurons of ReLU are one atom up to rescaling if they do.
    """
    readouts, sizes = state[:, 0], state[:, 1:].norm(dim=1)
    masses = readouts.abs() * sizes
    masses = masses / masses.sum(dim=1, keepdim=True)
    directions = state[:, 1:] / sizes[:, None]
    near = directions.mT @ directions > torch.cos(torch.deg2rad(torch.tensor(degrees)))
    same = readouts.sign()[:, :, None] == readouts.sign()[:, None, :]
    return 1 / ((near & same).to(state.dtype) @ masses[:, :, None]).mul(masses[:, :, None]).sum(dim=(1, 2))


@tc.quantity(along="particles", name="effective atoms per sample")
def atoms_per_sample(particles, draw, *, data, confinement, temperature=0.0):
    """Effective atoms of the trained measure, over the number of samples."""
    dynamics = Particles(activation=tc.RELU, data=data, rate=0.4, confinement=confinement, temperature=temperature)
    parts = []
    for state, noise in systems(dynamics, int(particles), draw, 1):
        end = trajectory(dynamics, state, [600], noise("noise") if temperature else None)[600]
        parts.append(effective_atoms(end) / data.samples)
    return torch.cat(parts)


@tc.claim(
    id="MF/sparse",
    source="arXiv:2605.24710 (abstract) claims few atoms under noisy descent; the version without noise, with weight "
    "decay, which is a total-variation penalty on balanced ReLU neurons, derived and measured here",
    trend=True,
    paper=PAPER,
)
@given(data=regression_data(samples=6, dimension=5, outputs=1, largest_cosine=0.7))
@example(data=tc.Teacher(dimension=5, samples=6, largest_cosine=0.7))
def test_a_penalty_without_noise_leaves_few_atoms(data):
    """Without noise, and with weight decay, the trained measure of ReLU neurons concentrates on an effective number of
    atoms, the inverse of the chance that two agree up to rescaling and 10 degrees, below that of samples; without the
    penalty, or with noise, it does not.
    """
    counts, fewer = (64, 128, 256), tc.Ordering("below")
    penalised, free = (atoms_per_sample(data=data, confinement=confinement) for confinement in (0.03, 0.0))
    noisy = atoms_per_sample(data=data, confinement=0.03, temperature=0.02)
    tc.check(penalised.over(counts, seeds=12), fewer)
    tc.check_refuted(free.over(counts, seeds=12), fewer, label="without a penalty")
    tc.check_refuted(noisy.over(counts, seeds=12), fewer, label="with noise")

"""Claims about the mean-field limit fail when the dynamics of particles, or their coupling, are broken by hand."""

import pytest
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import identification, planted_atoms
from theorychecks.dynamics import particles
from theorychecks.dynamics.particles import Particles


def canonical(test, file="test_mean_field"):
    return Claim(file, test, lambda module: {"activation": tc.TANH, "data": module.TEACHER})


def of_short_times(module):
    """Up to 40 steps in place of 400, which the claim passes as well."""
    module.COUPLED_TIMES = (4, 12, 40)
    return {"activation": tc.TANH, "data": module.TEACHER}


NOISY = canonical("test_noisy_particles_fluctuate_by_one_over_root_particles_before_and_after_they_relax")
COUPLED = Claim(
    "test_mean_field", "test_coupled_particles_stay_within_one_over_root_particles_of_the_limit", of_short_times
)
FUNCTIONS = canonical(
    "test_functions_of_different_seeds_differ_by_one_over_root_particles", "test_mean_field_fluctuations"
)

IDENTIFIED = Claim(
    "test_identifiability",
    "test_networks_of_one_function_are_equal_up_to_a_symmetry",
    lambda module: {"activation": tc.TANH, "dimension": 3},
)

TAILS = Claim(
    "test_moments",
    "test_noisy_descent_keeps_the_tail_index_of_the_initial_law",
    lambda module: {"activation": tc.TANH, "index": 3.0, "data": module.TEACHER},
)


ATOMS_BY_NOISE = Claim(
    "test_planted_atoms",
    "test_planted_atoms_are_found_up_to_an_error_in_proportion_to_the_noise",
    lambda module: {"particles": 8},
)
ATOMS_BY_PARTICLES = Claim(
    "test_planted_atoms",
    "test_the_error_in_planted_atoms_does_not_depend_on_the_number_of_particles",
    lambda module: {"noise": 0.02},
)


def angles_not_trained(patch):
    right = planted_atoms.recovered
    patch.setattr(planted_atoms, "recovered", lambda *given, **others: right(*given, moving=False))


def penalty_of_a_sum(patch):
    """In place of one of a mean: it grows with the number of particles."""
    right = planted_atoms.recovered
    patch.setattr(
        planted_atoms,
        "recovered",
        lambda problem, particles, penalty, *given, **others: right(
            problem, particles, penalty * particles / 8, *given, **others
        ),
    )


def noise_times(power):
    """The factor N of the learning rate is in the noise as well, or a power of it."""

    def apply(patch):
        right = Particles._moved

        def moved(own, state, gradient, rate, noise):
            return right(own, state, gradient, rate, None if noise is None else noise * state.shape[-1] ** power)

        patch.setattr(Particles, "_moved", moved)

    return apply


def rate_without_particles(patch):
    patch.setattr(Particles, "rate_for", lambda own, count: own.rate)


def noise_of_their_own(patch):
    patch.setattr(particles, "same_noise", particles.own_noise)


def steps_that_grow_faster_than_linearly(patch):
    right = Particles._moved

    def moved(own, state, gradient, rate, noise):
        return right(own, state, gradient, rate, noise) * state.norm(dim=1, keepdim=True) ** 0.1

    patch.setattr(Particles, "_moved", moved)


def neurons_in_their_own_order(patch):
    patch.setattr(identification, "linear_sum_assignment", lambda costs: (range(len(costs)), range(len(costs))))


def readouts_times_root_particles(patch):
    right = Particles.initial

    def initial(own, count, generators):
        state = right(own, count, generators)
        state[:, 0] *= count**0.5
        return state

    patch.setattr(Particles, "initial", initial)


@pytest.mark.parametrize(
    "claim, apply",
    [
        pytest.param(FUNCTIONS, readouts_times_root_particles, id="initial readouts too large"),
        pytest.param(NOISY, noise_times(1 / 2), id="noise of N times its variance"),
        pytest.param(IDENTIFIED, neurons_in_their_own_order, id="neurons compared without matching"),
        pytest.param(TAILS, steps_that_grow_faster_than_linearly, id="sizes to the power 1.1 in each step"),
        pytest.param(ATOMS_BY_NOISE, angles_not_trained, id="angles that are not trained"),
        pytest.param(ATOMS_BY_PARTICLES, penalty_of_a_sum, id="penalty that grows with the particles"),
        pytest.param(COUPLED, rate_without_particles, id="learning rate without its factor N"),
        pytest.param(COUPLED, noise_of_their_own, id="coupling with independent noise"),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, apply, judged):
    refuted(judged(claim, apply))


@pytest.mark.slow
def test_coupled_particles_pass_at_short_times_without_a_mistake(judged):
    assert judged(COUPLED).outcome == "pass"

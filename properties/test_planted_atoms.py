"""Particles find the atoms of a sparse target, as well as noise lets them and, from eight on, however many they are."""

from hypothesis import example, given
from hypothesis import strategies as st

import theorychecks as tc
from properties.subjects import planted_atoms
from properties.test_mean_field import PAPER

PENALTY = 1.0
"""Over the noise: with a third of it two atoms are found in the place of one in an eighth of the problems."""
LOUDEST = 0.05
NOISES = tuple(LOUDEST / 2**k for k in (4, 3, 2, 1, 0))
IN_NOISE = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=LOUDEST, towards="zero")
"""Errors are smooth in the noise and the penalty near zero, so that corrections are of their first order."""
COUNTS = (8, 12, 20, 36, 64)
IN_COUNT = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=1, fewest_units=8)
"""Particles that do not move leave errors of the order of their spacing."""
RECOVERY = (
    "arXiv:2605.24710 (abstract) speaks of a finite dictionary of atoms; Duval and Peyre 2015, arXiv:1306.6909 "
    "(abstract): where a certificate is not degenerate, a total-variation penalty recovers the number of atoms, and "
    "their positions converge as noise goes to zero"
)


def error_of(noise, penalty, particles, draw, *, moving=True):
    """Of problems of each seed's own, and starts of its own."""
    problem = planted_atoms.planted(noise, [draw.rng(seed) for seed in draw.seeds])
    starts = [draw.rng(seed, "start") for seed in draw.seeds]
    return planted_atoms.error_in_atoms(
        problem, *planted_atoms.recovered(problem, particles, penalty, starts, moving=moving)
    )


@tc.quantity(along="noise", name="error in atoms, {particles} particles, penalty: {penalty}", shared=True)
def error_by_noise(noise, draw, *, particles, penalty):
    """The same atoms and the same noise, made smaller."""
    return error_of(noise, PENALTY * (noise if penalty == "with the noise" else LOUDEST), particles, draw)


@tc.quantity(along="particles", name="error in atoms, particles that {what}", shared=True)
def error_by_particles(particles, draw, *, noise, what):
    """The same atoms and noise."""
    return error_of(noise, PENALTY * noise, int(particles), draw, moving=what == "move")


@tc.claim(
    id="MF/sparse/noise",
    source=f"{RECOVERY}; in proportion to the noise by the implicit function theorem, derived here",
    paper=PAPER,
)
@given(particles=st.sampled_from((8, 16)))
@example(particles=16)
def test_planted_atoms_are_found_up_to_an_error_in_proportion_to_the_noise(particles):
    """From noisy values of a sum of three neurons about evenly spaced on a circle, 8 or 16 particles with positive
    weights find the neurons' positions by conic gradient descent up to an error Theta(noise), where the penalty on the
    total weight is in proportion to the noise, for noise of 1/320 to 1/20. With a penalty that stays they do not, and
    neither do two particles.
    """
    law = tc.PowerLaw(1, corrections=IN_NOISE, within=0.05, rival=1 / 2)

    def error(count, penalty):
        return error_by_noise(particles=count, penalty=penalty).over(NOISES, seeds=16)

    tc.check(error(particles, "with the noise"), law)
    tc.check_refuted(error(particles, "fixed"), law)
    tc.check_refuted(error(2, "with the noise"), law)


@tc.claim(
    id="MF/sparse/particles",
    source=f"{RECOVERY}; Chizat 2019, arXiv:1907.10300 (abstract): particles that move reach accuracy e in log(1/e) "
    "steps where convex methods on an atom space of d dimensions need e^-d; a plateau from a few particles on "
    "derived here",
    paper=PAPER,
)
@given(noise=st.sampled_from((0.02, 0.05)))
@example(noise=0.02)
def test_the_error_in_planted_atoms_does_not_depend_on_the_number_of_particles(noise):
    """From noisy values of a sum of three neurons about evenly spaced on a circle, particles with positive weights find
    the neurons' positions up to an error of Theta(1) in the number of particles, 8 to 64. If they do not move, and
    weights alone are trained, the error depends on their number.
    """
    plateau = tc.Plateau(corrections=IN_COUNT, rival=-1 / 2)
    moving, fixed = (error_by_particles(noise=noise, what=what).over(COUNTS, seeds=16) for what in ("move", "stay"))
    tc.check(moving, plateau)
    tc.check_refuted(fixed, plateau)

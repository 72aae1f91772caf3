"""A claim on observables of one's own, which live beside it: a function with options, and a class."""

from dataclasses import dataclass

import theorychecks as tc


@tc.observable
def test_error(run):
    """What a user may well call it, and no test."""
    return run.outputs(run.steps, "test").square().mean(dim=(1, 2))


@tc.observable
def scaled_error(run, *, factor=1.0):
    """The same in other units."""
    return factor * run.outputs(run.steps, "test").square().mean(dim=(1, 2))


@dataclass(frozen=True)
class LossAt(tc.Observable):
    """The loss at some times."""

    steps: tuple[int, ...]
    title = "loss"
    parts = ("step",)

    def read(self, run: tc.Run):
        """A loss by step."""
        return {tc.Parts(step=step): tc.Reading(run.losses[step]) for step in self.steps}


@tc.claim(id="own", source="made up")
def test_own_observables():
    """Outputs and losses of networks under NTK parametrization are Theta(1)."""
    training = tc.Training(
        tc.MLP(1, tc.RELU, tc.NTK),
        learning_rate=tc.scaled(0.1),
        data=tc.Teacher(dimension=4, samples=4, test_samples=4, outputs=8),
        loss=tc.MSE,
        steps=2,
    )
    observables = tc.Together((test_error, scaled_error(factor=2.0), LossAt((0, 2))))
    sweep = tc.Sweep(observables, training, widths=tc.widths(64, 1024), seeds=4)
    for parts in ({"observable": "test_error"}, {"observable": "scaled_error(factor=2.0)"}, {"step": 2}):
        tc.check(sweep.of(**parts), tc.UpperBound(2, within=0.2, rival=3))
        tc.check_refuted(sweep.of(**parts), tc.PowerLaw(3))

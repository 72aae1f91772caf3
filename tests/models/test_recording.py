"""What a training records besides its losses, stacked and alone."""

from dataclasses import replace

import pytest
import torch

from tests.models import zoo
from theorychecks.models.recording import NOTHING, Recording, State
from theorychecks.models.stacked import train_stacked
from theorychecks.models.training import drawn, train

PLACE, WIDTH, STEPS, SEEDS = (0, "width", 16.0), 16, 3, (0, 1, 2)


def alone(model, seed, recording, **options):
    given = {"steps": STEPS, "anatomy": zoo.parts_of(model)} | options
    return train(model, WIDTH, PLACE, seed, recording=recording, **given)


def stacked(model, recording, **options):
    given = {"steps": STEPS, "anatomy": zoo.parts_of(model)} | options
    return train_stacked(model, WIDTH, PLACE, SEEDS, recording=recording, **given)


RECORDING = Recording((0, 2, 3), layers=("first", "second"))


def test_stacked_trainings_record_what_each_alone_does():
    model = zoo.plain()
    together = stacked(model, RECORDING)
    assert together.losses.shape == (STEPS + 1, len(SEEDS))
    assert together.sizes.shape == (STEPS + 1, len(SEEDS), 2)
    for k, seed in enumerate(SEEDS):
        one = alone(model, seed, RECORDING)
        torch.testing.assert_close(torch.stack(one.sizes), together.sizes[:, k], rtol=1e-5, atol=0)
        assert one.states.keys() == together.states.keys() == {0, 2, 3}
        for time, state in one.states.items():
            for name, tensor in state.parameters.items():
                torch.testing.assert_close(tensor, together.states[time].parameters[name][k], rtol=1e-4, atol=1e-6)
        start = drawn(model, WIDTH, PLACE, seed, STEPS).module
        torch.testing.assert_close(dict(start.named_parameters()), dict(one.states[0].parameters), rtol=0, atol=0)
        hidden = start.first(model.batches[0][0])
        largest = max(h.square().mean().sqrt().item() for h in (hidden, start.second(torch.tanh(hidden))))
        assert one.sizes[0][0].item() == pytest.approx(largest, rel=1e-6)
        assert one.sizes[0][1].item() == pytest.approx(start(model.batches[0][0]).square().mean().sqrt().item())


@pytest.mark.parametrize("name", ["plain", "attentive", "own loss"])
def test_recording_changes_nothing_of_a_training(name):
    model = zoo.MODELS[name]
    recording = Recording(
        (0, 1, STEPS), layers=tuple(part for part in ("first", "tokens") if hasattr(model.build(8), part))
    )
    coordinates = Recording(coordinates=(1,))
    assert alone(model, 0, replace(recording, coordinates=(1,))) == alone(model, 0, coordinates)
    assert torch.equal(stacked(model, recording).losses, stacked(model, NOTHING).losses)


def test_an_output_that_there_is_none_of_has_no_size_and_no_limit():
    model = zoo.plain(
        build=lambda width: torch.nn.Sequential(torch.nn.Linear(5, width), torch.nn.Linear(width, 1)),
        loss=lambda outputs, _: outputs.mean().square(),
        batches=[(x, y) for x, y in zoo.pairs()],
    )
    found = alone(model, 0, Recording(layers=(), outputs=1e9))
    assert torch.stack(found.sizes)[:, 0].isnan().all()
    assert torch.isfinite(torch.stack(found.sizes)[:, 1]).all()
    assert all(loss == loss for loss in found.losses)


@pytest.mark.parametrize("limits", [{"activations": 1e-3}, {"outputs": 1e-3}])
def test_a_training_beyond_its_limits_goes_on_no_further(limits):
    recording = Recording((0, 1, STEPS), layers=("first",), **limits)
    found, together = alone(zoo.plain(), 0, recording), stacked(zoo.plain(), recording)
    assert [loss == loss for loss in found.losses] == [True] + STEPS * [False]
    assert together.losses.isnan().sum(dim=0).tolist() == [STEPS] * len(SEEDS)
    for states in (found.states, together.states):
        assert torch.isfinite(states[1].parameters["first.weight"]).all()
        assert states[STEPS].parameters["first.weight"].isnan().all()


def test_a_state_without_numbers_keeps_what_is_no_number():
    state = State({"weight": torch.ones(2)}, {"count": torch.ones(2, dtype=torch.int64)})
    lost = state.lost()
    assert lost.parameters["weight"].isnan().all()
    assert torch.equal(lost.buffers["count"], state.buffers["count"])

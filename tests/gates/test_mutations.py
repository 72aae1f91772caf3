"""Mutations break what they say they break, by the power of the width that they say, and a gate catches them."""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.models import zoo
from theorychecks.claims import Recorder, recording
from theorychecks.gates.mutations import mutations_of
from theorychecks.judging import Conditions

READ_OUT = functools.partial(zoo.Perceptron, readout=0.25)


def known(model):
    return mutations_of(model, zoo.parts_of(model), (8, 16))


def adjusted(model, name, ratio):
    (mutation,) = [mutation for mutation in known(model)[0] if mutation.name == name]
    return mutation.adjust(ratio)


def test_each_changes_what_it_names_by_its_power():
    model = zoo.plain(build=zoo.Attentive, optimizer=zoo.adam, batches=zoo.tokens(), loss=zoo.next_token)
    assert adjusted(model, "readout init", 4.0).initial == {"head.weight": 2.0}
    assert adjusted(model, "hidden learning rate", 4.0).updates == {
        "attention.in_proj_weight": 4.0,
        "attention.out_proj.weight": 4.0,
    }
    assert adjusted(model, "input learning rate", 4.0).updates == {"tokens.weight": 0.25}
    assert adjusted(model, "attention scale", 4.0).attention == 2.0
    assert adjusted(model, "missing multiplier", 4.0).outputs == {"head": 4.0}
    assert adjusted(model, "weight decay", 4.0).decay == pytest.approx(
        {"attention.in_proj_weight": 0.125, "attention.out_proj.weight": 0.125}
    )
    assert adjusted(model, "optimizer epsilon", 4.0).epsilon == adjusted(model, "optimizer epsilon", 1.0).epsilon > 0


def test_a_readout_of_zeros_is_drawn_so_that_outputs_do_not_shrink():
    model = zoo.perceptron()
    std = [adjusted(model, "readout init", ratio).redrawn["head.weight"] for ratio in (1.0, 16.0)]
    # Outputs are 1/n times a sum of n independent terms of this size.
    assert std[1] / std[0] == pytest.approx(4)


@pytest.mark.parametrize(
    "model, missing",
    [
        (zoo.perceptron(), {"attention scale": "no attention whose heads grow"}),
        (zoo.plain(), {"optimizer epsilon": "no epsilon in the optimizer, or no hidden matrix"}),
        (zoo.MODELS["tied"], {"readout init": "no readout of its own"}),
    ],
)
def test_what_there_is_not_is_not_broken_and_said(model, missing):
    assert missing.items() <= known(model)[1].items()


def test_all_are_caught_and_recorded_as_controls():
    recorder = Recorder(conditions=Conditions())
    with recording(recorder):
        certificate = tc.mutations(zoo.perceptron(build=READ_OUT), tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3)
    assert len(certificate.mutated) == 6
    assert not certificate.missed
    assert [finding.role for finding in recorder.findings] == ["control"] * 6
    assert all(finding.passed for finding in recorder.findings)
    (table,) = recorder.notes
    assert table == str(certificate)
    assert "6 of 6 mutations are caught" in table
    assert "learning rate of `second.weight` too large by n^1" in table
    assert "attention scale" in table.splitlines()[-1]


class Ignoring(nn.Module):
    """Whatever its first layer does changes little: its input learning rate may as well be smaller."""

    def __init__(self, width):
        super().__init__()
        self.inner = zoo.Perceptron(width)
        self.inner.first.requires_grad_(False)

    def forward(self, x):
        return self.inner(x)


def test_one_that_is_missed_fails():
    model = zoo.perceptron(build=Ignoring, optimizer=lambda module: zoo.scaled_adam(module.inner))
    with pytest.raises(
        tc.ClaimFailure, match=r"perceptron: 0 of 1 mutations are caught\n.*\ninput learning rate .* NO "
    ):
        tc.mutations(model, tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3, names=["input learning rate"])
    recorder = Recorder(conditions=Conditions())
    with recording(recorder):
        wider, names = tc.widths(32, 512), ["input learning rate"]
        tc.mutations(model, tc.MAXIMAL_UPDATE, widths=wider, steps=3, names=names, budget=64)
    (finding,) = recorder.findings
    assert finding.outcome == "fail", finding.reason
    assert finding.confirmation.verdict is finding.verdict


def test_names_that_are_none_are_refused():
    with pytest.raises(ValueError, match="there is no mutation 'typo' of this model; there are readout init, "):
        tc.mutations(zoo.perceptron(), tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3, names=["typo"])
    with pytest.raises(ValueError, match="'attention scale' of this model: no attention whose heads grow"):
        tc.mutations(zoo.perceptron(), tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3, names=["attention scale"])


def test_nothing_to_try_is_no_certificate():
    with pytest.raises(ValueError, match="no mutation is asked for"):
        tc.mutations(zoo.perceptron(), tc.MAXIMAL_UPDATE, widths=zoo.WIDTHS, steps=3, names=[])


def test_a_model_that_returns_several_things_has_its_mutations_too():
    class Several(zoo.Perceptron):
        def forward(self, x):
            return super().forward(x), torch.ones(())

    model = zoo.perceptron(build=Several, loss=lambda found, targets: F.mse_loss(found[0], targets))
    assert "missing multiplier" in {mutation.name for mutation in known(model)[0]}

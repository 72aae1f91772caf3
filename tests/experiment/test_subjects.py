"""A sweep trains anybody's model as it trains an MLP: one observable, one loop, another engine."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.engines.run import Unanswerable
from theorychecks.experiment import Resources
from theorychecks.observables import CoordinateSize, GradientSize, OptimalLearningRate, SpectralSize
from theorychecks.statistics import PartsError

WIDTHS = (8, 16, 32, 64)


class Net(nn.Module):
    """Two hidden layers and a readout of order one over the width."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(6, width), nn.Linear(width, width)
        self.head = nn.Linear(width, 3, bias=False)

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


def batches(count=2):
    draw = torch.Generator().manual_seed(0)
    return [(torch.randn(5, 6, generator=draw), torch.randn(5, 3, generator=draw))] * count


def descent(module):
    return torch.optim.SGD(module.parameters(), lr=0.05)


MODEL = tc.Model(Net, descent, batches(), loss=F.mse_loss, name="net")


def sweep(observable, model=MODEL, **options):
    return tc.Sweep(observable, model, widths=WIDTHS, **({"seeds": 3} | options))


def test_a_sweep_of_a_model_reads_what_its_runs_say():
    measured = tc.measure(sweep(tc.WeightChange()))
    assert measured.engine == "module"
    assert measured.trainings >= 3 * len(WIDTHS)
    trainer = Trainer(MODEL, WIDTHS, steps=2)
    for place, width in enumerate(WIDTHS):
        run = ModuleRun(trainer, width, (0, 1, 2), root_seed=0)
        for k, layer in enumerate(run.layers):
            expected = run.weight_change_norm(k, "frobenius", 2) / run.weight_norm(k, "frobenius")
            parts = tc.Parts(layer=layer.name, role=layer.role, norm="frobenius")
            assert measured.measurements[parts].values[place] == pytest.approx(expected.tolist(), rel=1e-6)
    assert [layer.name for layer in run.layers] == ["first", "second", "head"]


@pytest.mark.parametrize(
    "observable",
    [
        tc.FeatureChange(),
        tc.UpdateSize("effective"),
        tc.UpdateSize("propagating"),
        tc.Alignment("effective"),
        tc.OutputChange(),
        tc.InitialOutput(),
        tc.TangentKernelDrift(),
        GradientSize(),
        CoordinateSize(),
        SpectralSize("change"),
        tc.MaxStableLearningRate("loss", resolution=1.0, reach=4.0),
        OptimalLearningRate(spacing=1.0, reach=2.0),
    ],
    ids=lambda observable: type(observable).__name__,
)
def test_observables_are_read_off_a_model(observable):
    measured = tc.measure(sweep(observable))
    assert measured.measurements
    for each in measured.measurements.values():
        assert all(np.isfinite(cell).any() or "propagating" in each.name for cell in each.values), each.name


def test_hidden_layers_of_a_model_go_by_the_modules_that_make_them():
    found = tc.measure(sweep(tc.FeatureChange())).measurements
    assert [(parts["layer"], parts["role"]) for parts in found] == [("first", "input"), ("second", "hidden")]


def test_a_model_is_judged_as_an_mlp_is():
    widths = (16, 32, 64, 128, 256)
    change = tc.Sweep(tc.WeightChange(), MODEL, widths=widths, seeds=4).of(role="hidden")
    (finding,) = tc.check(change, tc.UpperBound(0))
    assert finding.engine == "module"
    assert finding.setting == {"model": "net", "steps": "2"}
    assert finding.label == "relative weight change, second, frobenius"


def test_what_a_model_cannot_say_is_a_named_error_before_it_is_trained():
    for observable in (tc.KernelGap(), tc.EnsembleKernelGap(2)):
        with pytest.raises(Unanswerable, match=r"net cannot say: a tc\.Model describes none of them\. Measure what is"):
            tc.measure(sweep(observable))
    with pytest.raises(Unanswerable, match="net cannot say"):
        tc.measure(sweep(tc.observable(lambda run: run.outputs(0, "test").flatten(1).norm(dim=1))))


def test_parts_that_no_layer_has_are_refused_with_those_that_there_are():
    with pytest.raises(PartsError, match="first"):
        tc.measure(sweep(tc.WeightChange()).of(layer="third"))


def test_steps_of_a_model_are_its_batches_unless_it_says_so():
    assert MODEL.steps == 2
    assert tc.Model(Net, descent, lambda draw: batches(9), loss=F.mse_loss).steps == 4
    assert tc.Model(Net, descent, batches(5), loss=F.mse_loss, steps=3).steps == 3
    with pytest.raises(ValueError, match="steps is a positive integer; got -1"):
        tc.Model(Net, descent, batches(), steps=-1)


def test_equal_models_share_what_was_measured_and_other_models_do_not():
    resources, built = Resources(), []

    def build(width):
        built.append(width)
        return Net(width)

    one, two = (tc.Model(build, descent, batches(), loss=F.mse_loss) for _ in range(2))
    first = tc.measure(sweep(tc.OutputChange(), one), resources)
    count = len(built)
    assert tc.measure(sweep(tc.OutputChange(), one), resources).measurements == first.measurements
    assert len(built) == count
    assert tc.measure(sweep(tc.OutputChange(), two), resources).measurements == first.measurements
    assert len(built) > count


def test_a_model_is_examined_once_for_all_looks_and_ranges():
    built = []

    def build(width):
        built.append(width)
        return Net(width)

    model, resources = tc.Model(build, descent, batches(), loss=F.mse_loss), Resources()
    tc.measure(sweep(tc.OutputChange(), model), resources)
    before = built.count(WIDTHS[0])
    # A longer range needs no more of the narrowest width, whose runs are there.
    tc.measure(tc.Sweep(tc.OutputChange(), model, widths=(*WIDTHS, 128), seeds=3), resources)
    assert built.count(WIDTHS[0]) == before
    assert 128 in built


def test_an_engine_that_trains_no_models_is_said_not_to():
    measured = tc.measure(sweep(tc.OutputChange()), Resources(engine="dense"))
    assert measured.engine == "module (dense trains no models of one's own)"


@pytest.mark.parametrize("given", [Net, Net(8), "net", None])
def test_what_is_neither_training_nor_model_is_refused_with_both(given):
    with pytest.raises(TypeError, match=r"(?s)a sweep trains a Training or a Model; got .*tc\.Model\(build, optimizer"):
        tc.Sweep(tc.OutputChange(), given, widths=WIDTHS)


def test_a_model_has_a_parametrization_of_its_own():
    with pytest.raises(TypeError, match="net is a model, whose parametrization is its own; give another model"):
        sweep(tc.OutputChange()).under(tc.NTK)

"""Where tensors lie when networks are trained and read on a card, by a stand-in for one: see `stand_in`."""

import functools
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.engines.stand_in import DEVICE, MixedDevicesError, OnCard, back, card
from theorychecks import observables as read
from theorychecks.engines import Limits
from theorychecks.engines.choice import ENGINES, Choice
from theorychecks.engines.deferred import DeferredRun
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.experiment.execution import measure
from theorychecks.experiment.resources import Resources
from theorychecks.models import Adjustment
from theorychecks.models.training import adjusted
from theorychecks.networks import MLP, MSE, NTK, SGD, TANH, Adam, GaussianMixture, Muon, Ridge, SignDescent, Training
from theorychecks.networks.training import scaled
from theorychecks.observables.observable import Observable

# What depends on numbers goes its way here, so that every line is reached; this is what a stand-in cannot tell.
UNCHECKED = {
    "kernels of the card": "whether it has an operation in a precision: singular values in half precision, say",
    "rounding of the card": "numbers here are the CPU's; the tests of execution compare a card's where there is one",
    "torch's generator of the card": "a model that draws from it is not told from one that draws from its own",
    "memory of the card": "free bytes are asked of the driver; chunks here have a size given",
    "clocks of the card": "rates of engines are measured by waiting for it",
    "vectorised models": "vmap does not see through the stand-in, so that models are trained one by one",
    "Resources(device='cuda')": "it asks the driver for devices; what it gives on to engines is the name alone",
}

WIDTH, SEEDS, STEPS = 24, (0, 5), 3
DATA = GaussianMixture(dimension=5, classes=3, samples=6, test_samples=4)
PLAIN = Training(MLP(3, TANH, NTK), learning_rate=scaled(0.01), data=DATA, loss=MSE, steps=STEPS)
ROUNDING = {"rtol": 1e-5, "atol": 0.0, "equal_nan": True}
"""A norm's steps are taken in another order where a tensor is not laid out alike."""

OPTIMIZERS = [SGD(), SGD(momentum=0.8), Adam(), SignDescent(), Muon(), Muon(orthogonalisation="newton-schulz")]
VARIANTS = {
    "plain": {},
    "ridge": {"ridge": Ridge(strength=0.1)},
    "decay": {"ridge": Ridge(strength=0.1, towards="zero")},
    "minibatches": {"batch_size": 3},
    "bfloat16": {"dtype": "bfloat16"},
    "float16": {"dtype": "float16"},
    "float64": {"dtype": "float64"},
    "centred": {"network": MLP(3, TANH, NTK, centred=True)},
    "doubled": {"network": MLP(3, TANH, NTK, doubled=True)},
    "uniform": {"network": MLP(3, TANH, NTK, entries="uniform")},
}
TRAININGS = {
    f"{name}, {optimizer!r}, {variant}": (name, training)
    for name, engine in ENGINES.items()
    for optimizer in OPTIMIZERS
    for variant, options in VARIANTS.items()
    if (optimizer == SGD() or variant in ("plain", "ridge", "bfloat16"))
    and engine.unable(training := replace(PLAIN, optimizer=optimizer, **options)) is None
}
ON_CARD = [
    read.Alignment("effective"),
    read.Alignment("propagating", direction="random"),
    read.BalanceDrift(),
    read.ClassProbabilities(),
    read.Confidence(),
    read.CoordinateSize(),
    read.FeatureChange(),
    read.GradientSize(),
    read.InitialOutput(),
    read.LargestProbability(),
    read.LinearisationError(),
    read.OperatorAlignment(direction="random"),
    read.OutputChange(),
    read.OutputGradientSize(),
    read.OutputSize("test"),
    read.ResidualModeError(),
    read.SpectralSize("change"),
    read.SpectralSize("weights"),
    read.SwitchedOff(),
    read.TangentKernelDrift(),
    read.Together((read.WeightChange(), read.FeatureChange())),
    read.UpdateSize("effective"),
    read.WeightChange(norm="spectral"),
    tc.observable(lambda run: run.outputs(run.steps).square().mean(dim=(1, 2))),
]
OF_HISTORIES = [
    read.MaxStableLearningRate("activations", reach=4.0),
    read.MaxStableLearningRate("loss", reach=4.0),
    read.MaxStableLearningRate("outputs", reach=4.0),
    read.OptimalLearningRate(reach=1.0),
]
# Regressions are numpy's, and histories are kept on the CPU.
ON_CPU = [
    read.EnsembleKernelGap(networks=2),
    read.KernelGap(),
    read.KernelGap("analytic"),
    read.OutputSizeByStep(),
    *OF_HISTORIES,
]
BY_TITLE = {"ids": lambda each: each.title}


@functools.cache
def run(device, engine):
    """One training for all that is read; what is drawn of it depends on the order, which is the same on both devices."""
    return DeferredRun(PLAIN, WIDTH, SEEDS, 0, Choice(engine, 2), device, kept="all")


def read_on_both(observable, engine):
    """The same readings of two runs, on the CPU and on the card."""
    expected = observable.read(run("cpu", engine))
    with card():
        return expected, observable.read(run(DEVICE, engine))


def assert_same(found, expected):
    torch.testing.assert_close(back(found), expected, **ROUNDING)


@pytest.mark.parametrize(
    "operation",
    [
        lambda here, there: here + there,
        lambda here, there: there.lerp_(here, 0.5),
        lambda here, there: torch.cat([here, there]),
        lambda here, there: torch.bmm(there, there, out=here),
        lambda here, there: here[there.long()],
        lambda here, there: torch.randn(2, device=DEVICE, generator=torch.Generator()),
    ],
    ids=["sum", "in place", "joined", "written", "places", "generator"],
)
def test_the_stand_in_refuses_mixed_devices(operation):
    with card(), pytest.raises(MixedDevicesError):
        operation(torch.zeros(2, 2, 2), torch.zeros(2, 2, 2, device=DEVICE))


def test_the_stand_in_allows_what_a_card_allows():
    with card():
        there = torch.tensor([[3.0, 4.0]]).to(DEVICE)
        found = [there * torch.tensor(2.0), there[:, torch.tensor([1])], torch.zeros(1, 2).to(there).copy_(there.cpu())]
        assert all(isinstance(one, OnCard) for one in found)
        assert [one.tolist() for one in found] == [[[6.0, 8.0]], [[4.0]], [[3.0, 4.0]]]
        assert bool(there.any())
        assert float(there.sum()) == 7.0
        with pytest.raises(TypeError, match=r"use Tensor.cpu\(\) first"):
            there.numpy()


@pytest.mark.parametrize(("engine", "training"), TRAININGS.values(), ids=TRAININGS)
def test_training_stays_on_its_device(engine, training):
    factors = torch.tensor([1.0, 0.5])
    expected = ENGINES[engine].train(training, WIDTH, SEEDS, rate_factors=factors)
    with card():
        found = ENGINES[engine].train(training, WIDTH, SEEDS, rate_factors=factors, device=DEVICE)
        assert isinstance(found.outputs(STEPS), OnCard)
        assert_same(found.outputs(STEPS), expected.outputs(STEPS))
        assert_same(found.losses, expected.losses)


@pytest.mark.parametrize("engine", ENGINES)
def test_seeds_beyond_their_limits_are_let_go_of_there(engine):
    training, factors = replace(PLAIN, network=MLP(3, TANH, NTK, centred=True)), torch.tensor([1.0, 1e9])
    options = {"rate_factors": factors, "times": (), "limits": Limits(outputs=10.0)}
    expected = ENGINES[engine].train(training, WIDTH, SEEDS, **options)
    assert expected.losses[-1].isnan().tolist() == [False, True]
    with card():
        assert_same(ENGINES[engine].train(training, WIDTH, SEEDS, device=DEVICE, **options).losses, expected.losses)


# A balance takes stored matrices.
READ = [("dense", o) for o in ON_CARD] + [("matrix_free", o) for o in ON_CARD if o != read.BalanceDrift()]


@pytest.mark.parametrize(("engine", "observable"), READ, ids=[f"{engine}, {o.title}" for engine, o in READ])
def test_what_is_read_there_lies_there(engine, observable):
    expected, found = read_on_both(observable, engine)
    for parts, reading in found.items():
        assert isinstance(reading.values, OnCard)
        assert_same(reading.values, expected[parts].values)


@pytest.mark.parametrize("observable", ON_CPU, **BY_TITLE)
def test_what_is_computed_from_histories_or_by_numpy_lies_on_the_cpu(observable):
    expected, found = read_on_both(observable, "dense")
    for parts, reading in found.items():
        assert not isinstance(reading.values, OnCard)
        assert_same(reading.values, expected[parts].values)
        assert reading.statuses == expected[parts].statuses


def test_every_observable_is_read():
    every = {each for each in vars(read).values() if isinstance(each, type) and issubclass(each, Observable)}
    assert {type(each) for each in [*ON_CARD, *ON_CPU, OF_MODELS_ALONE, *OF_MODELS]} >= every - NOT_PLACED - {
        Observable
    }


@pytest.mark.parametrize("norm", ["frobenius", "spectral"])
@pytest.mark.parametrize("width", [WIDTH, 400])
def test_norms_without_matrices_are_drawn_on_the_cpu_and_lie_on_the_card(norm, width):
    training = replace(PLAIN, steps=1, ridge=Ridge(strength=0.1, towards="zero"))
    expected = ENGINES["matrix_free"].train(training, width, SEEDS)
    with card():
        found = ENGINES["matrix_free"].train(training, width, SEEDS, device=DEVICE)
        norms, references = ((r.weight_norm(1, norm), r.weight_change_norm(1, norm, 1)) for r in (found, expected))
        assert all(isinstance(each, OnCard) for each in norms)
        assert_same(norms, references)


def resources(device):
    made = Resources(memory_budget=2**30)
    # It would ask the driver for the device.
    object.__setattr__(made, "device", device)
    return made


@pytest.mark.parametrize("observable", [read.WeightChange(), read.MaxStableLearningRate("loss", reach=4.0)], **BY_TITLE)
def test_a_sweep_is_measured_there(observable):
    sweep = tc.Sweep(observable, PLAIN, widths=(8, 16, 32, 64), seeds=3)
    expected = measure(sweep, resources("cpu"))
    with card():
        found = measure(sweep, resources(DEVICE))
    for parts, measured in expected.measurements.items():
        for cell, other in zip(found.measurements[parts].values, measured.values, strict=True):
            assert cell == pytest.approx(other, rel=1e-5)


class Net(nn.Module):
    """Two hidden layers, a norm and a readout that starts at zero, built where one says."""

    def __init__(self, width, device):
        super().__init__()
        self.first, self.second = nn.Linear(5, width, device=device), nn.Linear(width, width, device=device)
        self.norm, self.head = nn.LayerNorm(width, device=device), nn.Linear(width, 3, device=device)
        nn.init.zeros_(self.head.weight)

    def forward(self, x):
        return self.head(self.norm(torch.tanh(self.second(torch.tanh(self.first(x))))))


def model(device, optimizer=torch.optim.SGD):
    def batches(draw):
        return [tuple(torch.randn(6, size, generator=draw).to(device) for size in (5, 3)) for _ in range(STEPS)]

    def descent(module):
        return optimizer(module.parameters(), lr=0.05)

    return tc.Model(lambda width: Net(width, device), descent, batches, loss=F.mse_loss, steps=STEPS, name="net")


def model_run(device, optimizer):
    return ModuleRun(Trainer(model(device, optimizer), (8, 16), steps=STEPS), 16, SEEDS, times=range(STEPS + 1))


NOT_PLACED = {read.DecayTime}
"""It is read off an optimizer's steps in double precision, which the stand-in for a card does not have."""
OF_MODELS_ALONE = read.Coordinates((1, STEPS))
OF_MODELS = [
    read.Alignment("effective"),
    read.CoordinateSize(),
    read.GradientNoise(),
    read.GradientSize(),
    read.OperatorAlignment(direction="random"),
    read.OutputChange(),
    read.OutputGradientSize(),
    read.SpectralSize("change"),
    read.TangentKernelDrift(),
    read.WeightChange(),
]


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_a_model_built_on_the_card_is_trained_and_read_there(optimizer):
    expected = model_run("cpu", optimizer)
    with card():
        found = model_run(DEVICE, optimizer)
        assert isinstance(found.outputs(STEPS), OnCard)
        torch.testing.assert_close(back(found.outputs(STEPS)), expected.outputs(STEPS), rtol=1e-4, atol=0.0)
        for observable in OF_MODELS:
            references = observable.read(expected)
            for parts, reading in observable.read(found).items():
                assert isinstance(reading.values, OnCard)
                torch.testing.assert_close(
                    back(reading.values), references[parts].values, rtol=1e-3, atol=1e-6, equal_nan=True
                )


@pytest.mark.parametrize("observable", OF_HISTORIES, **BY_TITLE)
def test_a_model_on_the_card_is_trained_at_several_rates(observable):
    (expected,) = observable.read(model_run("cpu", torch.optim.SGD)).values()
    with card():
        (found,) = observable.read(model_run(DEVICE, torch.optim.SGD)).values()
    assert not isinstance(found.values, OnCard)
    torch.testing.assert_close(found.values, expected.values, rtol=1e-3, atol=0.0)


def test_coordinates_of_a_model_are_read_on_the_card():
    def readings(device):
        return OF_MODELS_ALONE.read(model_run(device, torch.optim.SGD))

    expected = readings("cpu")
    with card():
        found = readings(DEVICE)
    for parts, reading in found.items():
        torch.testing.assert_close(reading.values, expected[parts].values, rtol=1e-3, atol=1e-6, equal_nan=True)


def test_rates_of_models_trained_together_come_from_the_cpu():
    rates, weights = Adjustment(rate=torch.tensor([1.0, 3.0])), torch.zeros(2, 3, 3)
    with card():
        found = adjusted(rates, "weight", weights.to(DEVICE), weights.to(DEVICE) + 1)
        assert_same(found, torch.tensor([1.0, 3.0])[:, None, None].expand(2, 3, 3))


def test_a_sweep_of_a_model_on_a_card_is_refused_before_training():
    def build(width):
        raise AssertionError("the model is built")

    refused = tc.Sweep(read.WeightChange(), replace(model("cpu"), build=build), widths=(8, 16, 32, 64), seeds=3)
    with pytest.raises(ValueError, match=r"net is a model.*stays where its build puts it; got 'cuda'.*device='cpu'"):
        measure(refused, resources("cuda"))


def test_a_sweep_of_a_model_on_the_cpu_is_trained():
    swept = tc.Sweep(read.WeightChange(), model("cpu"), widths=(8, 16, 32, 64), seeds=3)
    assert measure(swept, resources("cpu")).trainings == 12

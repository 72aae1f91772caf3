"""Models with Lightning's training step and optimizers are gated as they are; the package is no dependency."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked
from tests.models import zoo

WIDTHS = tc.widths(32, 512)
BATCHES = zoo.pairs(samples=16)


class Lit(nn.Module):
    """What Lightning asks of a module, without its base class; `hidden` is the power of its hidden learning rate."""

    hidden = -1.0

    def __init__(self, width):
        super().__init__()
        self.net = zoo.Perceptron(width)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.mse_loss(self(x), y)
        self.log("train_loss", loss)
        self.log_dict({"index": batch_idx})
        return loss

    def log(self, *_):
        raise RuntimeError("self.trainer is not attached")

    log_dict = log

    def adam(self):
        ratio = self.net.second.weight.shape[0] / 32
        slow = {"params": [self.net.second.weight], "lr": 3e-3 * ratio**self.hidden}
        return torch.optim.Adam([{"params": [self.net.first.weight, self.net.head.weight]}, slow], lr=3e-3)

    def configure_optimizers(self):
        return self.adam()


class OneRate(Lit):
    hidden = 0.0


class Short(Lit):
    """No index, the loss in a mapping, and no call of the module itself."""

    def training_step(self, batch):
        return {"loss": F.mse_loss(self.net(batch[0]), batch[1])}


def gated(build, **options):
    return checked(tc.lightning_model(build, BATCHES, name="lit"), widths=WIDTHS, **options)


@pytest.mark.parametrize("build", [Lit, Short])
def test_a_module_in_maximal_update_passes(build):
    check = gated(build)
    assert check.passed, str(check)


def test_one_rate_for_all_is_refuted():
    check = gated(OneRate)
    assert check.failed
    assert [(each.kind, each.where) for each in check.diagnosis.culprits] == [("learning rate", "net.second.weight")]


def configured(form):
    class Configured(Lit):
        def configure_optimizers(self):
            adam = self.adam()
            schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 0.5**step)
            return form(adam, schedule)

    return Configured


FORMS = {
    "a list": lambda adam, _: [adam],
    "a mapping": lambda adam, _: {"optimizer": adam},
    "a schedule by epochs": lambda adam, schedule: {"optimizer": adam, "lr_scheduler": schedule},
    "two lists": lambda adam, schedule: ([adam], [{"scheduler": schedule, "interval": "epoch"}]),
    "by steps": lambda adam, schedule: ([adam], [{"scheduler": schedule, "interval": "step"}]),
    "by two steps": lambda adam, schedule: {
        "optimizer": adam,
        "lr_scheduler": {"scheduler": schedule, "interval": "step", "frequency": 2},
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_optimizer_trains_as_a_loop_does(form):
    """Three steps of a loop written out, with the rates that a schedule has after each."""
    model = tc.lightning_model(configured(FORMS[form]), BATCHES)
    halved = {"by steps": [0, 1, 2], "by two steps": [0, 0, 1]}.get(form, [0, 0, 0])
    torch.manual_seed(0)
    module = model.build(32)
    torch.manual_seed(0)
    expected = Lit(32)
    found = model.optimizer(module)
    plain = expected.adam()
    rates = [group["lr"] for group in plain.param_groups]
    for batch, power in zip(BATCHES, halved, strict=False):
        if isinstance(found, torch.optim.Optimizer):
            found.zero_grad()
            model.outputs_and_loss(module, batch)[1].backward()
            found.step()
        else:
            found(batch)
        for group, rate in zip(plain.param_groups, rates, strict=True):
            group["lr"] = rate * 0.5**power
        plain.zero_grad()
        F.mse_loss(expected(batch[0]), batch[1]).backward()
        plain.step()
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(parameter, expected.get_parameter(name))


class Manual(Lit):
    automatic_optimization = False


def after_metrics(adam, _):
    waits = torch.optim.lr_scheduler.ReduceLROnPlateau(adam)
    return {"optimizer": adam, "lr_scheduler": {"scheduler": waits, "interval": "step", "monitor": "loss"}}


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (Manual, r"lit: Manual optimizes manually.*Write tc\.Model\(build, step_of, batches, forward="),
        (zoo.Perceptron, "got a Perceptron without training_step. For a plain module write tc.Model"),
        (configured(lambda adam, _: [adam, adam]), "returns 2 optimizers, and automatic .*returns a list"),
        (configured(lambda *_: None), "returns 0 optimizers"),
        (configured(after_metrics), "waits for a metric after each step.*return the optimizer alone"),
    ],
)
def test_what_a_gate_cannot_do_is_refused_with_the_way_out(build, said):
    with pytest.raises(tc.ModelError, match=said):
        gated(build)


def test_a_module_of_the_package_itself_is_gated():
    lightning = pytest.importorskip("lightning", reason="pip install lightning")

    class Real(lightning.LightningModule):
        hidden = -1.0
        adam, configure_optimizers = Lit.adam, Lit.configure_optimizers

        def __init__(self, width):
            super().__init__()
            self.net = zoo.Perceptron(width)

        def training_step(self, batch, batch_idx):
            loss = F.mse_loss(self.net(batch[0]), batch[1])
            self.log("train_loss", loss, prog_bar=True)
            return loss

    check, same = gated(Real), gated(Lit)
    assert check.passed, str(check)
    found, expected = ([f.exponent for f in each.findings if "net." in f.label] for each in (check, same))
    assert all(math.isclose(a, b, abs_tol=1e-4) for a, b in zip(found, expected, strict=True))

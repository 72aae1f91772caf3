"""Files that `theorychecks new` writes: a claim and a gate that pass as they stand, with the places to edit."""

from string import Template
from typing import Final

CLAIM: Final = Template('''\
"""$title: a claim of mine. It passes as it stands; what is to be edited stands below "EDIT"."""

import theorychecks as tc

# EDIT: which networks, how they are trained, and on what. Here: the lazy regime, where the rate falls as one over the
# width. A parametrization says how initial weights and rates scale: tc.STANDARD, tc.NTK, tc.MAXIMAL_UPDATE or your own.
TRAINING = tc.Training(
    tc.MLP(2, tc.TANH, tc.STANDARD, centred=True),
    learning_rate=tc.scaled(0.3, width=-1),
    data=tc.GaussianMixture(),
    loss=tc.MSE,
    steps=4,
)

# EDIT: what is measured, at which widths, and the most that may be spent, in networks at every width. Observables are
# tc.WeightChange, tc.FeatureChange, tc.OutputChange, tc.TangentKernelDrift and more, or a function of your own under
# @tc.observable.
MOVED = tc.Sweep(tc.WeightChange("hidden", norm="frobenius"), TRAINING, widths=tc.widths(64, 2048), budget=32)

# EDIT: what theory says: the exponent of the width, the margin around it, and the nearest exponent that is not meant.
PREDICTED = tc.PowerLaw(-1, within=0.2, rival=-1 / 2)


# EDIT: where the claim comes from, author, year, arXiv number and equation; and what it says, in the docstring.
@tc.claim(id="$id", source="an example, to be replaced by author, year, arXiv number and equation")
def test_$function() -> None:
    """In the lazy regime a hidden matrix moves by Theta(1/n) of its Frobenius norm."""
    tc.check(MOVED, PREDICTED)
    # EDIT: the control, a set-up in which the prediction is false, which shows that this test can fail. Here features
    # are learned, and the matrix moves by Theta(n^-1/2).
    tc.check_refuted(MOVED.under(tc.MAXIMAL_UPDATE), PREDICTED)
''')

GATE: Final = Template('''\
"""$title: a gate on my model. It passes as it stands; what is to be edited stands below "EDIT"."""

import torch
from torch import Tensor, nn

import theorychecks as tc

BASE_WIDTH = 64


# EDIT: your model, built at any width; import it, if it lives elsewhere.
class Perceptron(nn.Module):
    """Two hidden layers under maximal update: a readout of zeros, whose multiplier falls as one over the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(16, width)
        self.second = nn.Linear(width, width)
        self.head = nn.Linear(width, 4, bias=False)
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs."""
        x = torch.tanh(self.second(torch.tanh(self.first(x))))
        return self.head(x) * BASE_WIDTH / self.head.in_features


# EDIT: how it is trained: with torch's own optimizers, or a function that makes one training step of a batch.
def optimizer(model: Perceptron) -> torch.optim.Optimizer:
    """Adam, whose rate for hidden matrices falls as one over the width."""
    hidden = [model.second.weight]
    others = [parameter for parameter in model.parameters() if parameter is not model.second.weight]
    rate = 1e-3 * BASE_WIDTH / model.second.in_features
    return torch.optim.Adam([{"params": others}, {"params": hidden, "lr": rate}], lr=1e-3)


# EDIT: on what: one batch for each step, a pair (inputs, targets) or the keywords of a model that returns its loss.
def batches() -> list[tuple[Tensor, Tensor]]:
    """One batch, four times."""
    draw = torch.Generator().manual_seed(0)
    return [(torch.randn(32, 16, generator=draw), torch.randn(32, 4, generator=draw))] * 4


MODEL = tc.Model(Perceptron, optimizer, batches(), loss=nn.functional.mse_loss, name="$id")


# EDIT: what the docstring says, what the model is meant to be, tc.MAXIMAL_UPDATE or tc.NTK, and five or more widths
# that you can afford.
@tc.gate(id="$id")
def test_$function() -> None:
    """Every module and parameter scales with the width as maximal update has it."""
    tc.coordinate_check(MODEL, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))


# EDIT, or leave out: the control, which shows that this gate can fail.
@tc.gate(id="$id/control")
def test_${function}_with_one_learning_rate_is_caught() -> None:
    """The same model with one learning rate for all is not in maximal update, and is caught."""
    broken = tc.Model(
        Perceptron,
        lambda model: torch.optim.Adam(model.parameters(), lr=1e-3),
        batches(),
        loss=nn.functional.mse_loss,
        name="$id, one rate",
    )
    tc.coordinate_check_refuted(broken, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))
''')

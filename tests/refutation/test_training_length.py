"""Claims about the training length fail where the decay is another one."""

import pytest
import torch
from claims_under_test import Claim, refuted

import theorychecks as tc

LEFT = Claim(
    "test_training_length",
    "test_a_decay_of_one_over_the_steps_leaves_as_much_of_the_start_in_short_and_long_trainings",
    lambda module: {"activation": tc.TANH, "times": 1.0},
)


def altered(decay):
    """AdamW's decay becomes another one."""

    def apply(patch):
        right = torch.optim.AdamW.__init__

        def wrong(own, parameters, lr, weight_decay):
            right(own, parameters, lr=lr, weight_decay=decay(weight_decay))

        patch.setattr(torch.optim.AdamW, "__init__", wrong)

    return apply


@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(altered(lambda decay: 10 * decay**0.5), id="root of the decay"),
        pytest.param(altered(lambda decay: 1.5 * decay), id="half as large again"),
    ],
)
def test_a_broken_decay_is_refuted_and_on_fresh_seeds_again(mistake, judged):
    refuted(judged(LEFT, mistake))

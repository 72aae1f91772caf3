"""Claims about heads and experts fail on networks whose parts, weights or steps are wrong by hand."""

from dataclasses import replace

import pytest
from claims_under_test import Claim, refuted

from properties.subjects import attention_heads, mixture, parts_in_training

PARTS = ("query", "key", "value", "out")
HEADS = Claim("test_heads_and_experts", "test_heads_read_out_like_neurons", lambda module: {"steps": 1, "data": 0})
MEAN = Claim(
    "test_heads_and_experts",
    "test_a_mean_of_experts_moves_as_each_of_them_does",
    lambda module: {"steps": 1, "data": 0},
)
SPARSE = Claim(
    "test_heads_and_experts",
    "test_experts_of_a_sparse_mixture_learn_at_one_rate_by_adam_and_by_their_number_otherwise",
    lambda module: {"chosen": 2, "data": 0},
)


def heads_that_share_their_weights(patch):
    """All heads begin as one, so that their sum is no random walk."""
    right = attention_heads.drawn_heads

    def wrong(heads, *rest):
        found = right(heads, *rest)
        one = {name: getattr(found, name)[:, :1].expand(-1, heads, -1, -1).clone() for name in PARTS}
        return replace(found, **one)

    patch.setattr(attention_heads, "drawn_heads", wrong)


def experts_that_share_their_weights(patch):
    """All experts begin as one, and nothing averages out."""
    right = mixture.drawn_mixtures

    def wrong(experts, *rest, **options):
        found = right(experts, *rest, **options)
        one = {name: getattr(found, name)[:, :1].expand(-1, experts, -1, -1).clone() for name in ("up", "down")}
        return replace(found, **one)

    patch.setattr(mixture, "drawn_mixtures", wrong)


def rates_of_the_share(patch):
    """Experts learn at a rate of one over their number."""
    right = parts_in_training.trained_parts

    def wrong(start, inputs, targets, *, optimizer, rates, steps):
        slower = {name: rate / start.up.shape[1] if name in ("up", "down") else rate for name, rate in rates.items()}
        return right(start, inputs, targets, optimizer=optimizer, rates=slower, steps=steps)

    patch.setattr(parts_in_training, "trained_parts", wrong)


def weights_of_all(patch):
    """Weights of the chosen experts add up to what they are of in all."""
    right = mixture.Mixtures.weights

    def wrong(self, inputs):
        return right(self, inputs) * self.chosen / self.experts if self.chosen else right(self, inputs)

    patch.setattr(mixture.Mixtures, "weights", wrong)


@pytest.mark.parametrize(
    ("claim", "mistake"),
    [
        (HEADS, heads_that_share_their_weights),
        (MEAN, experts_that_share_their_weights),
        (MEAN, rates_of_the_share),
        (SPARSE, rates_of_the_share),
        (SPARSE, weights_of_all),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))

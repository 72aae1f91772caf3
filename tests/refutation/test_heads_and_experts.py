"""Claims about heads and experts fail on networks whose parts, weights or steps are wrong by hand."""

import pytest
from claims_under_test import Claim, refuted

from properties.subjects import attention_heads, mixture, parts_in_training

PARTS = ("query", "key", "value", "out")
HEADS = Claim("test_heads_and_experts", "test_heads_read_out_like_neurons", lambda module: {"steps": 3, "data": 0})
MEAN = Claim(
    "test_heads_and_experts",
    "test_a_mean_of_experts_moves_as_each_of_them_does",
    lambda module: {"steps": 3, "data": 0},
)
SPARSE = Claim(
    "test_heads_and_experts",
    "test_experts_of_a_sparse_mixture_learn_at_one_rate_by_adam_and_by_their_number_otherwise",
    lambda module: {"chosen": 2, "data": 0},
)


def heads_that_share_their_weights(patch):
    """All heads begin as one, so that their sum is no random walk."""
    right = attention_heads.drawn_heads
    patch.setattr(attention_heads, "drawn_heads", lambda *given: parts_in_training.begun_alike(right(*given), *PARTS))


def experts_that_share_their_weights(patch):
    """All experts begin as one, and nothing averages out."""
    right = mixture.drawn_mixtures

    def wrong(*given, **options):
        return parts_in_training.begun_alike(right(*given, **options), "up", "down")

    patch.setattr(mixture, "drawn_mixtures", wrong)


def rates_of_the_share(*names):
    """These matrices learn at a rate of one over the number of heads or experts."""

    def apply(patch):
        right = parts_in_training.trained_parts

        def wrong(start, inputs, targets, *, optimizer, rates, steps):
            slower = {name: rate / getattr(start, name).shape[1] for name, rate in rates.items() if name in names}
            return right(start, inputs, targets, optimizer=optimizer, rates=rates | slower, steps=steps)

        patch.setattr(parts_in_training, "trained_parts", wrong)

    return apply


def weights_of_all(patch):
    """Weights of the chosen experts add up to what they are of in all."""
    right = mixture.Mixtures.weights

    def wrong(self, *given):
        return right(self, *given) * self.chosen / self.up.shape[1]

    patch.setattr(mixture.Mixtures, "weights", wrong)


@pytest.mark.parametrize(
    ("claim", "mistake"),
    [
        (HEADS, heads_that_share_their_weights),
        (MEAN, experts_that_share_their_weights),
        (SPARSE, weights_of_all),
        (HEADS, rates_of_the_share("query")),
        (HEADS, rates_of_the_share("out")),
        (MEAN, rates_of_the_share("up")),
        (MEAN, rates_of_the_share("down")),
        (SPARSE, rates_of_the_share("router")),
        (SPARSE, rates_of_the_share("down")),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))

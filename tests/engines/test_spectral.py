"""The batched spectral norm is that of a full singular value decomposition."""

import pytest
import torch

from theorychecks.engines.spectral import spectral_norm

ACCURACY = 2e-4


def gaussian(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def norm(matrices, **options):
    rows, columns = matrices.shape[-2:]
    start = gaussian(1, columns, seed=12345, dtype=matrices.dtype).expand(matrices.shape[0], columns)
    return spectral_norm(
        lambda v: torch.einsum("sij,sj->si", matrices, v),
        lambda u: torch.einsum("sij,si->sj", matrices, u),
        start,
        **{"rank": min(rows, columns)} | options,
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "shape", [(64, 64), (512, 512), (512, 64), (64, 512), (10, 256), (256, 10), (256, 1), (1, 256)]
)
def test_gaussian_matrices_have_the_norm_that_lapack_finds(shape, dtype):
    matrices = gaussian(6, *shape, seed=shape[0], dtype=dtype)
    expected = torch.linalg.matrix_norm(matrices, ord=2)
    torch.testing.assert_close(norm(matrices), expected, rtol=ACCURACY, atol=0.0)


def test_an_iteration_that_is_cut_short_is_not_that_accurate():
    matrices = gaussian(6, 512, 512)
    expected = torch.linalg.matrix_norm(matrices, ord=2)
    assert ((norm(matrices, rank=4) - expected).abs() / expected > ACCURACY).all()


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_a_matrix_of_low_rank_is_exact(rank):
    matrices = gaussian(4, 128, rank) @ gaussian(4, rank, 96, seed=1)
    expected = torch.linalg.matrix_norm(matrices, ord=2)
    torch.testing.assert_close(norm(matrices), expected, rtol=1e-12, atol=0.0)
    # Steps beyond the rank see rounding alone.
    torch.testing.assert_close(norm(matrices, tolerance=0.0), expected, rtol=1e-12, atol=0.0)
    # A tight bound on the rank leaves room for what the start has outside the row space.
    torch.testing.assert_close(norm(matrices, rank=rank), expected, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("gap", [0.5, 0.01, 0.0])
def test_the_largest_value_is_found_however_close_the_second(gap):
    u, _, v = torch.linalg.svd(gaussian(3, 64, 64))
    values = torch.cat(
        [torch.tensor([3.0, 3.0 - gap], dtype=torch.float64), torch.full((62,), 0.5, dtype=torch.float64)]
    )
    torch.testing.assert_close(
        norm(u * values @ v), torch.full((3,), 3.0, dtype=torch.float64), rtol=ACCURACY, atol=0.0
    )


def test_a_zero_matrix_has_norm_zero_and_its_neighbours_keep_theirs():
    matrices = torch.stack([torch.zeros(64, 64, dtype=torch.float64), gaussian(64, 64)])
    found = norm(matrices)
    assert found[0] == 0
    torch.testing.assert_close(found[1], torch.linalg.matrix_norm(matrices[1], ord=2), rtol=ACCURACY, atol=0.0)
    assert torch.equal(norm(torch.zeros(2, 64, 32)), torch.zeros(2))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_diverged_matrix_has_no_norm_and_its_neighbours_keep_theirs(bad):
    matrices = gaussian(3, 96, 96)
    expected = torch.linalg.matrix_norm(matrices, ord=2)
    matrices[1, 3, 7] = bad
    found = norm(matrices)
    assert not torch.isfinite(found[1])
    torch.testing.assert_close(found[[0, 2]], expected[[0, 2]], rtol=ACCURACY, atol=0.0)


@pytest.mark.parametrize("scale", [1e-25, 1e-12, 1e12])
def test_the_norm_scales_with_its_matrix(scale):
    matrices = gaussian(3, 64, 64)
    torch.testing.assert_close(norm(scale * matrices), scale * norm(matrices), rtol=1e-10, atol=0.0)

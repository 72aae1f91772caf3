"""What is read outside of autocast is computed once, unless the model itself has mixed precisions."""

import pytest
import torch

from theorychecks.models.precision import WithoutAutocast


class Counted(torch.overrides.TorchFunctionMode):
    """Counts the products that are begun."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.matmul
        return function(*args, **(kwargs or {}))


def test_an_operation_is_repeated_under_autocast_where_its_arguments_have_several_precisions():
    one, other = torch.ones(2, 2), torch.ones(2, 2, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16), WithoutAutocast():
        assert torch.matmul(one, one).dtype == torch.float32
        assert torch.matmul(one, other).dtype == torch.bfloat16


def test_no_other_error_has_an_operation_repeated():
    counted = Counted()
    with torch.autocast("cpu", torch.bfloat16), counted, WithoutAutocast(), pytest.raises(RuntimeError, match="shapes"):
        torch.matmul(torch.ones(2, 3), torch.ones(2, 3))
    assert counted.count == 1

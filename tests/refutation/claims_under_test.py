"""The claims of `properties/`, each in a setting of its own, ready to meet a mistake."""

import contextlib
import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import theorychecks as tc
from theorychecks.claims import Recorder, recording
from theorychecks.experiment import Resources, Scan
from theorychecks.experiment.quantity import Quantity
from theorychecks.finding import Finding
from theorychecks.judging import Conditions

PROPERTIES = Path(__file__).parents[2] / "properties"


@dataclass(frozen=True)
class Claim:
    """A claim's test, and the setting in which it meets breakages.

    Attributes:
        file: its module in `properties/`.
        test: its name there.
        setting: from its module to its arguments; asked after the breakage is made.
        fewer: by what its numbers of seeds are divided where it meets a mistake. Some take hundreds of seeds for what
            is true to be told from its neighbours, and a mistake that is refuted with an eighth of them is with all.
    """

    file: str
    test: str
    setting: Callable[[ModuleType], dict[str, Any]]
    fewer: int = 1

    def run(self, *, fewer: int = 1, to_the_end: bool = False) -> Recorder:
        """Judge the claim as a run of pytest does, fresh seeds included, up to the first finding that is not as wanted.

        Args:
            fewer: by what numbers of seeds are divided.
            to_the_end: whether to go on after such a finding.

        Raises:
            ValueError: if there is nothing to be judged.
        """
        module = self._module()
        # New resources: what was measured without a mistake has the same description as with it.
        recorder = (Recorder if to_the_end else _UpToTheFirst)(
            conditions=Conditions(confirms=True, resources=Resources())
        )
        with recording(recorder), contextlib.suppress(_NotAsWanted), _seeds_divided_by(fewer):
            test = getattr(module, self.test)
            # A claim about one setting has no strategies.
            getattr(getattr(test, "hypothesis", None), "inner_test", test)(**self.setting(module))
        return recorder

    def is_an_example(self) -> bool:
        """Whether its setting is one of those in which every run of `pytest properties` judges the claim."""
        module, setting, constants = self._set()
        if constants:
            return False
        test = getattr(module, self.test)
        if not hasattr(test, "hypothesis"):
            return setting == {}
        examples = getattr(test, "hypothesis_explicit_examples", ())
        return setting in [example.kwargs for example in examples]

    def is_cheaper(self) -> bool:
        """Whether it has fewer seeds or other constants than in `properties/`, so that it need not be decided."""
        return self.fewer > 1 or bool(self._set()[2])

    def described(self) -> str:
        """Its setting in words, with the constants of its module that it changes, and without addresses in memory."""
        _, setting, constants = self._set()
        return re.sub(r" at 0x[0-9a-f]+", "", repr(setting | constants))

    def _set(self) -> tuple[ModuleType, dict[str, Any], dict[str, Any]]:
        """Its module, its arguments, and the constants of its module that the setting changes."""
        module = self._module()
        before = dict(vars(module))
        setting = self.setting(module)
        return module, setting, {name: new for name, new in vars(module).items() if new is not before.get(name)}

    def _module(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location(self.file, PROPERTIES / f"{self.file}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def refuted(recorder: Recorder) -> Finding:
    """The prediction that a claim has failed by, REFUTED on the pinned seeds and on fresh ones.

    Raises:
        AssertionError: if it has not.
    """
    finding = recorder.findings[-1]
    assert recorder.outcome == "fail", f"{finding.label}: {finding.verdict.value}, {finding.reason}"
    assert finding.role == "prediction", f"{finding.label} is a control"
    assert finding.confirmation is not None, f"{finding.label} was not confirmed"
    assert finding.confirmation.verdict is tc.Verdict.REFUTED
    return finding


@contextlib.contextmanager
def _seeds_divided_by(fewer: int) -> Iterator[None]:
    whole = Quantity.over

    def over(own: Quantity, values: Iterable[float], *, seeds: int | None = None, **others: Any) -> Scan:
        return whole(own, values, seeds=None if seeds is None else seeds // fewer, **others)

    with patch.object(Quantity, "over", whole if fewer == 1 else over):
        yield


class _NotAsWanted(Exception):  # noqa: N818 - no error, but the end of a claim
    pass


class _UpToTheFirst(Recorder):
    def add(self, finding: Finding) -> None:
        super().add(finding)
        if finding.outcome != "pass":
            raise _NotAsWanted


def aligned(**others: Any) -> Callable[[ModuleType], dict[str, Any]]:
    return lambda module: (
        {
            "depth": 2,
            "activation": tc.RELU,
            "parametrization": tc.STANDARD,
            "data": module.MIXTURE,
        }
        | {name: value() for name, value in others.items()}
    )


A1 = "test_updates_are_aligned_with_their_inputs"
A2 = "test_initial_weights_see_hidden_updates_as_random_and_the_readout_does_not"
KR1 = "test_a_wide_network_is_kernel_regression"

CLAIMS = {
    "LZ-1/standard": Claim(
        "test_lazy_regime",
        "test_weights_move_by_role_and_norm_under_standard_parametrization",
        lambda module: {"depth": 3, "activation": tc.TANH, "data": module.MIXTURE},
    ),
    "LZ-1/NTK": Claim(
        "test_lazy_regime",
        "test_weights_move_by_role_and_norm_under_ntk_parametrization",
        lambda module: {"depth": 3, "activation": tc.TANH},
    ),
    "LZ-1/bound": Claim(
        "test_lazy_regime",
        "test_every_weight_moves_by_at_most_one_over_root_width",
        lambda module: {"depth": 3, "activation": tc.TANH, "parametrization": tc.NTK},
    ),
    "A1": Claim("test_alignment", A1, aligned()),
    "A1/deep": Claim("test_alignment", A1, aligned(depth=lambda: 3, activation=lambda: tc.TANH)),
    "A2": Claim("test_alignment", A2, aligned()),
    "A2/rich": Claim("test_alignment", A2, aligned(parametrization=lambda: tc.MAXIMAL_UPDATE)),
    "H1": Claim(
        "test_learning_rates",
        "test_mean_squared_error_is_stable_up_to_one_over_width",
        lambda module: {"depth": 1, "activation": tc.RELU},
    ),
    "H2": Claim(
        "test_learning_rates",
        "test_cross_entropy_keeps_activations_bounded_up_to_one_over_root_width",
        lambda module: {"depth": 3, "activation": tc.RELU, "data": 0},
    ),
    "H3": Claim(
        "test_learning_rates",
        "test_one_hidden_layer_keeps_activations_bounded_at_any_width",
        lambda module: {"activation": tc.RELU},
    ),
    "KR-1": Claim(
        "test_kernel_limits", KR1, lambda module: {"depth": 1, "activation": tc.TANH, "data": module.TEACHER}
    ),
    "KR-1/deep": Claim(
        "test_kernel_limits", KR1, lambda module: {"depth": 2, "activation": tc.TANH, "data": module.TEACHER}
    ),
    "KR-1/ensemble": Claim(
        "test_kernel_limits",
        "test_the_mean_of_an_ensemble_is_regression_with_the_limit_kernel",
        lambda module: {"activation": tc.TANH, "data": module.SMALL_TEACHER},
    ),
    "KR-2": Claim(
        "test_kernel_limits",
        "test_anchored_ridge_is_kernel_ridge_regression",
        lambda module: {"depth": 1, "activation": tc.TANH, "data": module.TEACHER},
    ),
}
VARIANTS = {
    "A1/deep": "three layers of tanh",
    "A2/rich": "maximal update",
    "KR-1/deep": "two hidden layers",
}
"""Columns that are not a claim's canonical setting; each lies within what the claim quantifies over."""

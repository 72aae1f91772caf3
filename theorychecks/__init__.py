"""A scientific test harness for theory predictions about wide neural networks.

A claim is a test: it fits a scaling exponent across widths and compares its interval with what theory allows.
Names load when first used, so that importing the package does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from theorychecks.claims import ClaimError as ClaimError
    from theorychecks.claims import ClaimFailure as ClaimFailure
    from theorychecks.claims import ClaimUndecided as ClaimUndecided
    from theorychecks.claims import Paper as Paper
    from theorychecks.claims import check as check
    from theorychecks.claims import check_refuted as check_refuted
    from theorychecks.claims import claim as claim
    from theorychecks.claims import gate as gate
    from theorychecks.engines import Run as Run
    from theorychecks.experiment import Draw as Draw
    from theorychecks.experiment import Resources as Resources
    from theorychecks.experiment import Scan as Scan
    from theorychecks.experiment import Sweep as Sweep
    from theorychecks.experiment import measure as measure
    from theorychecks.gates import coordinate_check as coordinate_check
    from theorychecks.gates import coordinate_check_refuted as coordinate_check_refuted
    from theorychecks.gates import max_stable_rate as max_stable_rate
    from theorychecks.gates import mutations as mutations
    from theorychecks.gates import optimal_rate as optimal_rate
    from theorychecks.modules import Model as Model
    from theorychecks.modules import ModelError as ModelError
    from theorychecks.networks import ADAM as ADAM
    from theorychecks.networks import CROSS_ENTROPY as CROSS_ENTROPY
    from theorychecks.networks import ERF as ERF
    from theorychecks.networks import GELU as GELU
    from theorychecks.networks import LINEAR as LINEAR
    from theorychecks.networks import MAXIMAL_UPDATE as MAXIMAL_UPDATE
    from theorychecks.networks import MEAN_FIELD as MEAN_FIELD
    from theorychecks.networks import MLP as MLP
    from theorychecks.networks import MSE as MSE
    from theorychecks.networks import NTK as NTK
    from theorychecks.networks import RELU as RELU
    from theorychecks.networks import SGD as SGD
    from theorychecks.networks import STANDARD as STANDARD
    from theorychecks.networks import TANH as TANH
    from theorychecks.networks import Activation as Activation
    from theorychecks.networks import Digits as Digits
    from theorychecks.networks import GaussianMixture as GaussianMixture
    from theorychecks.networks import LearningRate as LearningRate
    from theorychecks.networks import Optimizer as Optimizer
    from theorychecks.networks import Parametrization as Parametrization
    from theorychecks.networks import Ridge as Ridge
    from theorychecks.networks import Scaling as Scaling
    from theorychecks.networks import Sphere as Sphere
    from theorychecks.networks import Teacher as Teacher
    from theorychecks.networks import Training as Training
    from theorychecks.networks import activation as activation
    from theorychecks.networks import parametrization as parametrization
    from theorychecks.networks import scaled as scaled
    from theorychecks.observables import Alignment as Alignment
    from theorychecks.observables import EnsembleKernelGap as EnsembleKernelGap
    from theorychecks.observables import FeatureChange as FeatureChange
    from theorychecks.observables import InitialOutput as InitialOutput
    from theorychecks.observables import KernelGap as KernelGap
    from theorychecks.observables import MaxStableLearningRate as MaxStableLearningRate
    from theorychecks.observables import Observable as Observable
    from theorychecks.observables import OutputChange as OutputChange
    from theorychecks.observables import Reading as Reading
    from theorychecks.observables import TangentKernelDrift as TangentKernelDrift
    from theorychecks.observables import Together as Together
    from theorychecks.observables import UpdateSize as UpdateSize
    from theorychecks.observables import WeightChange as WeightChange
    from theorychecks.observables import observable as observable
    from theorychecks.statistics import Collapse as Collapse
    from theorychecks.statistics import Crossing as Crossing
    from theorychecks.statistics import Finding as Finding
    from theorychecks.statistics import FiniteSizeClass as FiniteSizeClass
    from theorychecks.statistics import Fit as Fit
    from theorychecks.statistics import Identity as Identity
    from theorychecks.statistics import InteriorOptimum as InteriorOptimum
    from theorychecks.statistics import Interval as Interval
    from theorychecks.statistics import LogarithmicGrowth as LogarithmicGrowth
    from theorychecks.statistics import LowerBound as LowerBound
    from theorychecks.statistics import Measurement as Measurement
    from theorychecks.statistics import Ordering as Ordering
    from theorychecks.statistics import Parts as Parts
    from theorychecks.statistics import Plateau as Plateau
    from theorychecks.statistics import PowerLaw as PowerLaw
    from theorychecks.statistics import SameLaw as SameLaw
    from theorychecks.statistics import UpperBound as UpperBound
    from theorychecks.statistics import Verdict as Verdict
    from theorychecks.statistics import fit_power_law as fit_power_law
    from theorychecks.statistics import size_of_mean as size_of_mean
    from theorychecks.statistics import widths as widths

_HOMES: Final = {
    "theorychecks.claims": "ClaimError ClaimFailure ClaimUndecided Paper check check_refuted claim gate",
    "theorychecks.engines": "Run",
    "theorychecks.experiment": "Draw Resources Scan Sweep measure",
    "theorychecks.gates": "coordinate_check coordinate_check_refuted max_stable_rate mutations optimal_rate",
    "theorychecks.modules": "Model ModelError",
    "theorychecks.networks": (
        "ADAM CROSS_ENTROPY ERF GELU LINEAR MAXIMAL_UPDATE MEAN_FIELD MLP MSE NTK RELU SGD STANDARD TANH Activation "
        "Digits GaussianMixture LearningRate Optimizer Parametrization Ridge Scaling Sphere Teacher Training "
        "activation parametrization scaled"
    ),
    "theorychecks.observables": (
        "Alignment EnsembleKernelGap FeatureChange InitialOutput KernelGap MaxStableLearningRate Observable "
        "OutputChange Reading TangentKernelDrift Together UpdateSize WeightChange observable"
    ),
    "theorychecks.statistics": (
        "Collapse Crossing Finding FiniteSizeClass Fit Identity InteriorOptimum Interval LogarithmicGrowth "
        "LowerBound Measurement Ordering Parts Plateau PowerLaw SameLaw UpperBound Verdict fit_power_law size_of_mean "
        "widths"
    ),
}
_HOME: Final = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])

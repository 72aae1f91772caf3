"""Which engine trains a width: the faster one by its cost, of those that can, and whose networks fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol, get_args

from torch import Tensor

from theorychecks.engines import dense, matrix_free
from theorychecks.engines.cost import Cost, Rates, batch_size, itemsize
from theorychecks.engines.matrix import Tally
from theorychecks.engines.run import Limits
from theorychecks.engines.trained import TrainedRun
from theorychecks.networks import Training

EngineName = Literal["dense", "matrix_free"]


class Engine(Protocol):
    """What a module offers that carries trainings out."""

    def train(
        self,
        training: Training,
        width: int,
        seeds: Sequence[int],
        *,
        times: Sequence[int] | None = None,
        rate_factors: Tensor | None = None,
        root_seed: int = 0,
        device: str = "cpu",
        limits: Limits | None = None,
        tally: Tally | None = None,
    ) -> TrainedRun:
        """Train all seeds of one width."""
        ...

    def unable(self, training: Training) -> str | None:
        """Why a training cannot be represented, or nothing."""
        ...

    def cost(self, training: Training, width: int) -> Cost:
        """What one network costs."""
        ...


ENGINES: Final[Mapping[EngineName, Engine]] = {"dense": dense, "matrix_free": matrix_free}

NARROW: Final = 512
"""Below this width stored matrices are always faster, and no rates are needed to know it."""
REFERENCE_RATES: Final[Mapping[EngineName, Rates]] = {
    "dense": Rates(2.5e8, ((256, 8, 3e10), (1024, 8, 2.7e10), (2048, 8, 2.2e10), (1024, 64, 5e10), (2048, 64, 6e10))),
    "matrix_free": Rates(2.5e8, ((1024, 8, 1e10), (4096, 8, 1.5e10), (32768, 8, 1.5e10), (4096, 32, 2e10))),
}
"""Measured on one core of a server, for where nobody has measured; only their ratios matter."""

_WEIGHTS_AT_ONCE: Final = 4 * 2**20
_LAYER_AT_ONCE: Final[Mapping[EngineName, int]] = {"dense": 256 * 2**10, "matrix_free": 512 * 2**10}
"""Bytes of weights, and of one layer's activations, that networks trained together may have on a CPU. Chunks that stay
in the caches, and below the size at which memory is mapped anew for every temporary, are up to three times as fast."""


class Choice(NamedTuple):
    """An engine, how many networks it trains together, and why it is not the one that was wanted."""

    engine: EngineName
    together: int
    because: str = ""


def check_engine(name: str) -> None:
    """Refuse an engine that there is not."""
    known = ("auto", *get_args(EngineName))
    if name not in known:
        raise ValueError(f"an engine is {', '.join(map(repr, known))}; got {name!r}")


def choose(
    training: Training,
    width: int,
    *,
    wanted: str = "auto",
    retrains: bool = False,
    group: int = 1,
    memory_budget: int,
    rates: Callable[[], Mapping[EngineName, Rates]] = lambda: REFERENCE_RATES,
    on_cpu: bool = True,
) -> Choice:
    """Choose the engine for a width, and how many networks to train together.

    Dense takes the place of a matrix-free engine that is wanted where the network is narrower than what would be asked
    of its matrices, or must be trained more than once.

    Args:
        training: what to train.
        width: of the hidden layers.
        wanted: an engine's name, or "auto".
        retrains: whether one network is trained several times, which takes an engine that can make it again.
        group: networks that must be trained together.
        memory_budget: bytes for all networks trained together.
        rates: what engines do on this machine; asked only where they matter.
        on_cpu: whether caches are what makes chunks fast.

    Raises:
        ValueError: if the engine wanted cannot represent the training.
        MemoryError: if networks of this width do not fit.
    """
    check_engine(wanted)
    sensible, because = _sensible(training, width, wanted, retrains)
    fitting = [name for name in sensible if ENGINES[name].cost(training, width).bytes * group <= memory_budget]
    if not fitting:
        raise MemoryError(_too_little(training, width, sensible, group, memory_budget))
    engine = fitting[0]
    if len(fitting) > 1 and width >= NARROW:
        known, batch = rates(), batch_size(training)
        engine = min(fitting, key=lambda name: known[name].seconds(ENGINES[name].cost(training, width), width, batch))
    return Choice(engine, _together(training, width, engine, group, memory_budget, on_cpu), because)


def _sensible(training: Training, width: int, wanted: str, retrains: bool) -> tuple[list[EngineName], str]:
    """Engines to choose from, and why the matrix-free one is not among them if it was wanted."""
    if wanted == "dense":
        return ["dense"], ""
    reason = matrix_free.unable(training)
    if reason is not None:
        if wanted == "matrix_free":
            raise ValueError(f"the matrix_free engine cannot do this: {reason}. Use engine 'dense' or 'auto'.")
        return ["dense"], ""
    if retrains:
        return ["dense"], "one network is trained several times" if wanted == "matrix_free" else ""
    if width < matrix_free.queries(training):
        return ["dense"], "fewer neurons than directions" if wanted == "matrix_free" else ""
    if wanted == "matrix_free":
        return ["matrix_free"], ""
    # One hidden layer has no matrix with two wide sides, and both engines do the same.
    return ["dense", "matrix_free"] if training.network.depth > 1 else ["dense"], ""


def _together(training: Training, width: int, engine: EngineName, group: int, memory_budget: int, on_cpu: bool) -> int:
    """Networks trained together, a multiple of the group."""
    limits = [memory_budget // ENGINES[engine].cost(training, width).bytes]
    if on_cpu:
        limits.append(_LAYER_AT_ONCE[engine] // (batch_size(training) * width * itemsize(training)))
        if engine == "dense":
            limits.append(_WEIGHTS_AT_ONCE // (int(dense.cost(training, width).normals) * itemsize(training)))
    return max(min(limits) // group, 1) * group


def _too_little(training: Training, width: int, engines: list[EngineName], group: int, memory_budget: int) -> str:
    def needed(at: int) -> int:
        return min(int(ENGINES[name].cost(training, at).bytes) for name in engines) * group

    fits, beyond = 0, width
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        fits, beyond = (middle, beyond) if needed(middle) <= memory_budget else (fits, middle)
    networks = "one network" if group == 1 else f"{group} networks, which belong together,"
    widest = f"the widest that fits is {fits:,}" if fits else "none fits"
    return (
        f"{networks} of width {width:,} takes {in_bytes(needed(width))} with the engine {' or '.join(engines)}, "
        f"and the memory budget is {in_bytes(memory_budget)}; {widest}. "
        "Raise the budget (--theory-memory, or memory_budget=), or use narrower networks."
    )


def in_bytes(count: int) -> str:
    """A number of bytes as people read it."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if size >= 100 else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.0f} GiB" if size >= 100 else f"{size:.3g} GiB"

"""Fingerprints of what claims measure: of the package, and of the claims in this repository; in every process."""

import ast
import dis
import functools
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import CodeType

import pytest

import theorychecks as tc
from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.experiment import Resources
from theorychecks.experiment.fingerprint import fingerprint, parts
from theorychecks.experiment.fingerprint.syntax import spoken
from theorychecks.experiment.quantity import Quantity, QuantityFamily
from theorychecks.observables.observable import Observable

ROOT = Path(__file__).parents[2]


IN_ANOTHER_PROCESS = """
import sys
if {reverse}:
    import theorychecks.kernels
    import theorychecks.engines.matrix_free
import theorychecks as tc
from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.experiment.fingerprint import fingerprint
from own import root
training = tc.Training(tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.3), data=tc.Digits(), loss=tc.MSE, steps=4)
# Adam is a dataclass with class variables.
print(fingerprint(tc.WeightChange(), training, tc.Adam(), dense, DeferredRun, root, {{"a", "b", "c"}}))
"""
OWN = """
import torch, numpy as np
from torch import nn
import theorychecks as tc
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(4, width)
    def forward(self, x): return self.first(x)
SET = {"x", "y", "z"}
@tc.quantity(along="width")
def q(width, draw, *, kind="a"): return SET
root = tc.Model(Net, lambda m: torch.optim.SGD(m.parameters(), lr=0.1), [(torch.zeros(2, 4), torch.zeros(2, 4))], loss=nn.MSELoss()), q(kind="b")
"""


def test_it_is_the_same_in_every_process(tmp_path):
    found = []
    for seed in (1, 2):
        place = tmp_path / f"place{seed}"
        place.mkdir()
        (place / "own.py").write_text(OWN)
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": f"{place}{os.pathsep}{ROOT}"}
        program = IN_ANOTHER_PROCESS.format(reverse=seed == 2)
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=place, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    assert len(found[0].strip()) == 64
    assert found[0] == found[1]


DATA = tc.GaussianMixture(dimension=4, classes=2, samples=8)
TRAINING = tc.Training(tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.3), data=DATA, loss=tc.MSE, steps=4)


def own_error(width, draw, *, power=1):
    return [draw.rng(seed).standard_normal() / width**power for seed in draw.seeds]


def test_a_quantity_reaches_what_it_uses_and_no_more():
    quantity = tc.quantity(along="width")(own_error)
    name = f"{own_error.__module__}.own_error"
    assert set(parts(own_error)) == {name}
    assert [part for part in parts(quantity(power=2)) if part.startswith("theorychecks")] == [
        "theorychecks.experiment.quantity.Quantity"
    ]


def test_a_cell_of_a_sweep_reaches_no_judging():
    found = parts(tc.WeightChange(), TRAINING, DeferredRun, dense.train)
    homes = {name.rsplit(".", 1)[0] for name in found if name.startswith("theorychecks.")}
    layers = {home.split(".")[1] for home in homes}
    assert layers == {"arguments", "engines", "networks", "observables", "statistics"}
    assert {".".join(home.split(".")[:3]) for home in homes if "statistics" in home} == {
        "theorychecks.statistics.parts",
        "theorychecks.statistics.statuses",
    }
    assert "theorychecks.engines.dense.DenseMatrix.forward" in found


def trained_change(width, draw):
    return draw.values(tc.WeightChange(), TRAINING, width)


def test_a_quantity_that_trains_reaches_engines_and_nothing_of_what_carries_it_out():
    scan = tc.quantity(along="width")(trained_change).over((64, 128, 256, 512, 1024))
    found = [name for name in parts(*scan.cells(Resources())[0].made_of()) if name.startswith("theorychecks.")]
    assert "theorychecks.engines.dense.DenseMatrix.forward" in found
    homes = {".".join(name.split(".")[:3]) for name in found if name.startswith("theorychecks.experiment.")}
    assert homes == {"theorychecks.experiment.draws", "theorychecks.experiment.quantity"}


def things_in(module):
    """What the module of claims measures, as far as it stands in the module itself."""
    kinds = (Observable, tc.Training, tc.Model, Quantity, QuantityFamily)
    found, todo = {}, list(vars(module).items())
    while todo:
        where, thing = todo.pop()
        if isinstance(thing, kinds):
            found[f"{module.__name__}.{where}"] = thing
        elif type(thing) in (tuple, list):
            todo += [(f"{where}[{place}]", each) for place, each in enumerate(thing)]
        elif type(thing) is dict:
            todo += [(f"{where}[{place}]", each) for place, pair in enumerate(thing.items()) for each in pair]
        elif callable(thing) and getattr(thing, "__module__", "").startswith("properties.subjects"):
            found[f"{module.__name__}.{where}"] = thing
    return found


def test_what_the_claims_of_this_repository_measure_has_a_fingerprint():
    files = [path for path in (ROOT / "properties").rglob("*.py") if path.name != "__init__.py"]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    things = {where: thing for name in names for where, thing in things_in(importlib.import_module(name)).items()}
    assert len(things) > 150
    kinds = {
        kind for kind in (Observable, tc.Model, QuantityFamily) for thing in things.values() if isinstance(thing, kind)
    }
    assert len(kinds) == 3
    judging = (
        "theorychecks.judging",
        "theorychecks.claims",
        "theorychecks.reporting",
        "theorychecks.plugin",
        "theorychecks.statistics.prediction",
    )
    for thing in things.values():
        assert len(fingerprint(thing)) == 64
    families = [thing for thing in things.values() if isinstance(thing, QuantityFamily)]
    assert [name for family in families[::8] for name in parts(family) if name.startswith(judging)] == []


TRAININGS = [
    tc.Training(tc.MLP(depth, activation, parametrization), learning_rate=tc.scaled(0.3), data=data, loss=loss, steps=4, optimizer=optimizer, **more)
    for depth, activation, parametrization, data, loss, optimizer, more in [
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {}),
        (3, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.RELU, tc.NTK, DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.STANDARD, DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK.altered("output", init=0.5), DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, tc.Digits(), tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, replace(DATA, seed=1), tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, DATA, tc.CROSS_ENTROPY, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(momentum=0.5), {}),
        (2, tc.TANH, tc.STANDARD, DATA, tc.MSE, tc.Adam(), {}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {"dtype": "float64"}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {"batch_size": 4}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {"ridge": tc.Ridge(strength=0.1)}),
    ]
]  # fmt: skip


def test_trainings_are_told_apart():
    assert len({fingerprint(training) for training in TRAININGS}) == len(TRAININGS)
    assert fingerprint(TRAININGS[0]) == fingerprint(replace(TRAININGS[0], steps=4))


IN_CHANGED_PACKAGES = """
import json, sys
found = {}
for place in sys.argv[1:]:
    sys.path.insert(0, place)
    for name in [name for name in sys.modules if name.partition(".")[0] == "theorychecks"]:
        del sys.modules[name]
    import theorychecks as tc
    from theorychecks.engines import dense, matrix_free
    from theorychecks.experiment.fingerprint import fingerprint
    from theorychecks.observables.outputs import OutputSize
    assert tc.__file__.startswith(place)
    training = tc.Training(tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.3), data=tc.Digits(), loss=tc.MSE, steps=4)
    cells = {
        "dense": (tc.WeightChange(), training, dense.train),
        "matrix_free": (tc.WeightChange(), training, matrix_free.train),
        "outputs": (OutputSize(), training, dense.train),
        "number": (tc.quantity(along="x")(lambda x, draw: x),),
    }
    found[place] = {name: fingerprint(*roots) for name, roots in cells.items()}
print(json.dumps(list(found.values())))
"""


class Mutation(ast.NodeTransformer):
    """Every function of a name, or every one at all, does something more."""

    def __init__(self, name):
        self.name = name

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        if node.name == self.name or not self.name:
            node.body.append(ast.parse("changed = 1").body[0])
        return node


def test_a_change_of_the_package_changes_cells_that_depend_on_it(tmp_path):
    judging = "statistics/prediction.py statistics/exponent_verdict.py statistics/interval.py judging.py finding.py"
    everything = [*judging.split(), *(f"{folder}/*.py" for folder in ("claims", "reporting", "plugin", "gates"))]
    mutations = [
        ([], "", set()),
        (["engines/dense.py"], "forward", {"dense", "outputs"}),
        (["engines/matrix_free.py"], "", {"matrix_free"}),
        (["engines/trained.py"], "weight_change_norm", {"dense", "matrix_free", "outputs"}),
        (["observables/weights.py"], "matrices", {"dense", "matrix_free"}),
        (["networks/losses.py"], "_squared", {"dense", "matrix_free", "outputs"}),
        (everything, "", set()),
    ]
    places = []
    for number, (patterns, name, _) in enumerate(mutations):
        # Where an installer would put it.
        place = tmp_path / f"place{number}" / "site-packages"
        shutil.copytree(ROOT / "theorychecks", place / "theorychecks", ignore=shutil.ignore_patterns("__pycache__"))
        files = [file for pattern in patterns for file in (place / "theorychecks").glob(pattern)]
        for file in files:
            before = ast.parse(file.read_text())
            file.write_text(ast.unparse(Mutation(name).visit(before)))
        assert bool(files) == bool(patterns)
        places.append(str(place))
    environment = os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", IN_CHANGED_PACKAGES, *places],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)
    for cells, (patterns, _, changes) in zip(others, mutations[1:], strict=True):
        assert {name for name in first if cells[name] != first[name]} == changes, patterns


def codes_in(code):
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes_in(each)


@pytest.mark.parametrize(
    "file",
    [ast.__file__, functools.__file__, *sorted((ROOT / "theorychecks" / "engines").glob("[a-z]*.py"))],
    ids=lambda file: Path(file).name,
)
def test_no_name_from_outside_is_missed(file):
    """Against the interpreter, which knows what it loads from outside."""
    tree = ast.parse(Path(file).read_text())
    compiled = {}
    for code in codes_in(compile(tree, file, "exec", dont_inherit=True)):
        compiled.setdefault((code.co_name, code.co_firstlineno), []).append(code)
    seen = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found = compiled[node.name, min([node.lineno, *(each.lineno for each in node.decorator_list)])]
            loads = {
                each.argval
                for code in codes_in(found[0])
                for each in dis.get_instructions(code)
                if each.opname == "LOAD_GLOBAL"
            }
            assert loads <= {outer.root for outer in spoken(node).outer}, node.name
            seen += bool(loads)
    assert seen

"""Imports point downwards, files stay short, and the world outside is met in few places."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "theorychecks"
SUBJECTS = ROOT / "properties" / "subjects"

# What each layer may import of the others. A folder is a layer, and so is each module beside the folders.
MAY_IMPORT = {
    "arguments": set(),
    "progress": set(),
    "origin": set(),
    "planning": set(),
    "beside": set(),
    "garbage": set(),
    "statistics": set(),
    "networks": set(),
    "models": {"networks.randomness"},
    "presets": {"networks", "models"},
    "engines": {"networks", "models"},
    "kernels": {"networks", "engines"},
    "dynamics": {"networks"},
    "observables": {
        "statistics.averages",
        "statistics.parts",
        "statistics.statuses",
        "networks",
        "models.coordinates",
        "engines",
        "kernels",
    },
    "leftovers": set(),
    "store": {"statistics.parts", "statistics.statuses", "leftovers"},
    "experiment": {
        "garbage",
        "statistics",
        "store",
        "networks",
        "models",
        "engines",
        "observables",
        "progress",
        "origin",
        "planning",
    },
    "premises": {"statistics"},
    "drawing": {"statistics"},
    "finding": {"statistics", "premises", "origin", "drawing"},
    "sources": {"statistics", "experiment", "finding", "origin"},
    "looks": {"statistics", "finding", "sources", "progress"},
    "judging": {"statistics", "experiment", "premises", "finding", "sources", "looks", "planning", "progress"},
    "claims": {"statistics", "experiment", "drawing", "finding", "sources", "judging", "planning"},
    "gates": {
        "statistics",
        "networks",
        "engines",
        "observables",
        "experiment",
        "drawing",
        "finding",
        "judging",
        "claims",
        "models",
        "planning",
    },
    "reporting": {"beside", "statistics", "drawing", "finding", "origin", "claims.declaration", "provenance"},
    "rejudging": {"beside", "statistics", "premises", "finding", "judging", "claims", "reporting"},
    "strategies": {"networks"},
    "provenance": set(),
    "kept": {"leftovers"},
    "plugin": {
        "beside",
        "garbage",
        "planning",
        "statistics",
        "claims",
        "judging",
        "experiment",
        "progress",
        "provenance",
        "kept",
        "reporting",
        "store",
    },
    "cli": {
        "beside",
        "garbage",
        "statistics",
        "store",
        "provenance",
        "kept",
        "reporting",
        "rejudging",
        # What claims need is found by a pytest, which is imported by the commands that need it alone.
        "drawing",
        "finding",
        # Models, which are imported by the command that gates one alone.
        "networks",
        "models",
        "presets",
        "judging",
        "claims",
        "gates",
        # What the choice of engine rests on.
        "engines.choice",
        "engines.cost",
        "experiment.Resources",
        "experiment.calibration",
        "experiment.plans",
        "plugin.items",
        "plugin.listed_run",
        "plugin.planned_run",
        "plugin.shards",
        "plugin.screen",
        "plugin.under_way",
    },
    "__init__": {
        "statistics",
        "networks",
        "engines",
        "observables",
        "experiment",
        "finding",
        "claims",
        "models",
        "presets",
        "gates",
    },
}
# What stands beside the claims: a claim judges it, so it knows nothing of judging.
SUBJECTS_MAY_IMPORT = MAY_IMPORT["kernels"] | {"arguments", "kernels", "dynamics"}

# The outside world: who may print, read the clock or touch files.
EDGES = {"plugin", "provenance", "kept", "cli", "leftovers"}
MAY_TIME = {"experiment.cells"}
MAY_STORE = {
    "store.files",
    "store.locks",
    "store.directory",
    "store.upkeep",
    "store.archive",
    "store.marker",
    "experiment.calibration",
}

LONGEST_FILE = 330

ALLOWED_AT_THE_TOP = {
    "pyproject.toml",
    "theorychecks",
    "properties",
    "tests",
    "reports",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "constraints.txt",
}
BUILD_ARTEFACTS = {"build", "dist", "__pycache__"}


def module_name(path: Path) -> str:
    """The name below the package: "statistics.interval", "claims"."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
MODULES["__init__.stub"] = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
BESIDE_CLAIMS = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SUBJECTS.glob("*.py"))}


def imported(tree: ast.AST) -> set[str]:
    """Modules of the package that a tree imports, at any depth: "statistics.measurement"."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides what it imports"
            # `from theorychecks.statistics import interval` may name a module or a thing in one.
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("theorychecks.") for name in found if name.split(".")[0] == "theorychecks"}


def not_allowed(module: str, tree: ast.AST) -> set[str]:
    """Imports of a module that its layer may not have."""
    layer = module.split(".")[0]
    # What a user writes is checked alike everywhere.
    allowed = MAY_IMPORT[layer] | {layer, "arguments"}
    return {
        name for name in imported(tree) if not any(name == other or name.startswith(f"{other}.") for other in allowed)
    }


def calls(tree: ast.AST) -> set[str]:
    """What a tree calls, as it is written."""
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def world_met(tree: ast.AST) -> set[str]:
    """The calls of a tree that print, read clocks or write files."""
    clocks = ("time.time", "time.perf_counter", "time.monotonic", "datetime.now", "datetime.today", "datetime.utcnow")
    files = (".write_text", ".write_bytes", ".open", ".touch", ".mkdir", "os.open")
    return {call for call in calls(tree) if call in ("print", "open", "input") or call.endswith((*clocks, *files))}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module):
    assert not_allowed(module, MODULES[module]) == set()


@pytest.mark.parametrize(
    ("module", "line", "wrong"),
    [
        ("statistics.interval", "from theorychecks.networks import MLP", "networks.MLP"),
        ("networks.mlp", "import theorychecks.statistics", "statistics"),
        ("observables.weights", "from theorychecks.statistics.interval import Fit", "statistics.interval.Fit"),
        ("experiment.sweep", "def later():\n    from theorychecks.claims import check", "claims.check"),
        ("reporting.html", "if TYPE_CHECKING:\n    from theorychecks.claims import Claim", "claims.Claim"),
        ("provenance", "from theorychecks.reporting import Report", "reporting.Report"),
    ],
)
def test_imports_that_point_upwards_are_seen(module, line, wrong):
    assert not_allowed(module, ast.parse(line)) == {wrong}


def test_every_layer_has_its_place_in_the_table():
    assert {module.split(".")[0] for module in MODULES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("subject", BESIDE_CLAIMS)
def test_subjects_know_nothing_of_judging(subject):
    assert {name.split(".")[0] for name in imported(BESIDE_CLAIMS[subject])} <= SUBJECTS_MAY_IMPORT
    assert world_met(BESIDE_CLAIMS[subject]) == set()


def test_the_package_knows_nothing_of_the_claims_in_this_repository():
    nodes = [node for tree in MODULES.values() for node in ast.walk(tree)]
    lines = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [line for line in lines if re.search(r"\bproperties\b", line)] == []


def test_no_arrow_runs_back_up():
    # Layer by layer, those whose imports all lie below can be taken away; a circle would remain.
    left = {layer: {name.split(".")[0] for name in allowed} for layer, allowed in MAY_IMPORT.items()}
    while lowest := {layer for layer, above in left.items() if not above & set(left)}:
        left = {layer: above for layer, above in left.items() if layer not in lowest}
    assert left == {}


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.split(".")[0] not in EDGES and module not in MAY_STORE]
)
def test_only_the_edges_meet_the_world(module):
    allowed = {"time.perf_counter"} if module in MAY_TIME else set()
    assert world_met(MODULES[module]) <= allowed


@pytest.mark.parametrize(
    "line",
    ["print(1)", "open('x')", "Path('x').write_text('y')", "time.time()", "datetime.now()", "datetime.datetime.now()"],
)
def test_meeting_the_world_is_seen(line):
    assert world_met(ast.parse(line)) != set()


@pytest.mark.parametrize("line", ["console.print(table)", "timeit()", "printed(1)", "reopen('x')"])
def test_a_name_that_only_looks_like_it_is_not(line):
    assert world_met(ast.parse(line)) == set()


@pytest.mark.parametrize(
    "path", sorted([*PACKAGE.rglob("*.py"), *SUBJECTS.glob("*.py")]), ids=lambda path: str(path.relative_to(ROOT))
)
def test_files_are_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE


def test_every_file_says_what_it_is():
    trees = MODULES.items() | BESIDE_CLAIMS.items()
    assert [module for module, tree in trees if not ast.get_docstring(tree)] == []


def loaded_by(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(done.stdout.split())


def test_judging_reporting_and_the_command_line_do_not_import_torch():
    loaded = loaded_by(
        "import theorychecks, theorychecks.statistics, theorychecks.reporting; "
        "import theorychecks.cli.main; "
        "theorychecks.PowerLaw(-1); theorychecks.Measurement; theorychecks.fit_power_law"
    )
    assert {"theorychecks.statistics", "theorychecks.reporting", "theorychecks.store"} <= loaded
    assert "torch" not in loaded
    assert "pytest" not in loaded


def test_importing_the_package_imports_nothing_else():
    assert {
        name for name in loaded_by("import theorychecks") if name.startswith(("theorychecks", "torch", "numpy"))
    } == {"theorychecks"}


def test_nothing_else_lies_at_the_top():
    found = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and path.suffix != ".egg-info" and path.name not in BUILD_ARTEFACTS
    }
    assert found <= ALLOWED_AT_THE_TOP

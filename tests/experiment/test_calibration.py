"""Rates of this machine are measured once, kept, and measured anew when they are not to be trusted."""

import json

import pytest
import torch

from theorychecks.engines.cost import Rates
from theorychecks.experiment import calibration
from theorychecks.experiment.calibration import calibrated

FILE = "engines-cpu.json"

MEASURED = {
    "dense": Rates(2e8, ((512, 8, 1e10), (2048, 64, 2e10))),
    "matrix_free": Rates(2e8, ((512, 8, 3e10),)),
}


@pytest.fixture
def measured(monkeypatch):
    """How often rates were measured."""
    calls = []

    def measure(device):
        calls.append(1)
        return MEASURED

    monkeypatch.setattr(calibration, "measure_rates", measure)
    calibrated.cache_clear()
    yield calls
    calibrated.cache_clear()


def test_they_are_measured_once_and_kept(measured, tmp_path):
    assert calibrated(tmp_path / "new") == MEASURED
    calibrated.cache_clear()
    assert calibrated(tmp_path / "new") == MEASURED
    assert len(measured) == 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: json.dumps(json.loads(text) | {"schema": 99}),
        lambda text: json.dumps(json.loads(text) | {"machine": {"platform": "abacus"}}),
        lambda text: json.dumps(json.loads(text) | {"rates": {"dense": 1}}),
        lambda text: json.dumps([1, 2]),
    ],
    ids=["cut", "empty", "schema", "machine", "rates", "list"],
)
def test_what_cannot_be_trusted_is_measured_anew(measured, tmp_path, spoil):
    calibrated(tmp_path)
    path = tmp_path / FILE
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    calibrated.cache_clear()
    assert calibrated(tmp_path) == MEASURED
    assert len(measured) == 2
    calibrated.cache_clear()
    assert calibrated(tmp_path) == MEASURED
    assert len(measured) == 2


def test_processes_that_measure_at_once_take_the_firsts(measured, tmp_path, monkeypatch):
    other = MEASURED | {"dense": Rates(1e8, ((64, 8, 5e9),))}

    def slow(device):
        # Another process finishes while this one measures.
        monkeypatch.setattr(calibration, "measure_rates", lambda device: other)
        calibrated.cache_clear()
        calibrated(tmp_path)
        return MEASURED

    monkeypatch.setattr(calibration, "measure_rates", slow)
    assert calibrated(tmp_path) == other


def test_this_machine_can_be_measured():
    rates = calibration.measure_rates()
    assert set(rates) == {"dense", "matrix_free"}
    for known in rates.values():
        assert 1e6 < known.normals < 1e12
        assert all(1e6 < rate < 1e15 for _, _, rate in known.flops)
        assert all(rate == float(f"{rate:.2g}") for _, _, rate in known.flops)


def test_where_nothing_can_be_kept_rates_are_measured_all_the_same(measured, tmp_path):
    (tmp_path / "file").write_text("not a directory", encoding="utf-8")
    assert calibrated(tmp_path / "file") == MEASURED


def test_global_random_state_is_left_alone(tmp_path):
    state = torch.random.get_rng_state()
    calibration.measure_rates()
    assert torch.equal(state, torch.random.get_rng_state())

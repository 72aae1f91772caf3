"""`theorychecks bench` as a user types it: rates, and the engine that they make the faster one."""

import sys
from dataclasses import replace

import pytest

from theorychecks.cli import main as command_line
from theorychecks.engines.choice import REFERENCE_RATES
from theorychecks.experiment import calibration


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", "bench", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, " ".join(err.replace("│", " ").split())

    return run


def measuring(monkeypatch, factor=1.0):
    """Let a measurement find the reference rates, those of the matrix-free engine times a factor."""
    slow = REFERENCE_RATES["matrix_free"]
    rates = {
        "dense": REFERENCE_RATES["dense"],
        "matrix_free": replace(slow, flops=tuple((width, batch, factor * rate) for width, batch, rate in slow.flops)),
    }
    monkeypatch.setattr(calibration, "measure_rates", lambda device="cpu": rates)


def taken(out):
    """The engine that is taken, by width."""
    rows = [line.split() for line in out.partition("taken")[2].splitlines()]
    return {int(row[0].replace(",", "")): row[5].rstrip(",") for row in rows if row}


def test_the_faster_engine_is_taken_at_each_width(run, monkeypatch, tmp_path):
    measuring(monkeypatch)
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "there are no kept rates in .theorychecks/engines-cpu.json" in out
    assert list(tmp_path.iterdir()) == []
    engines = taken(out)
    assert engines[128] == engines[256] == "dense"
    assert engines[131072] == "matrix_free"
    measuring(monkeypatch, factor=1e-6)
    assert set(taken(run()[1]).values()) == {"dense"}


def test_kept_rates_are_shown_and_left_as_they_are(run, monkeypatch, tmp_path):
    measuring(monkeypatch)
    calibration.calibrated(tmp_path / ".theorychecks")
    calibration.calibrated.cache_clear()
    kept = (tmp_path / ".theorychecks" / "engines-cpu.json").read_text(encoding="utf-8")
    assert "which agree within a factor of 1\n" in run()[1]
    measuring(monkeypatch, factor=3.0)
    _, out, _ = run()
    assert "of which one differs by a factor of 3. If the machine was busy" in out
    assert (tmp_path / ".theorychecks" / "engines-cpu.json").read_text(encoding="utf-8") == kept


def test_a_device_that_there_is_not_is_refused(run):
    code, out, err = run("--device=abacus")
    assert (code, out) == (2, "")
    assert "abacus" in err


def test_help_has_examples_and_exit_codes(run):
    _, out, _ = run("--help")
    assert "Examples: theorychecks bench; " in out
    assert "Exit codes: 0; 2 for" in out

"""What the options do, and what a run leaves where."""

import json
import subprocess
import sys

import pytest

from theorychecks.plugin.resources import device_used, size
from theorychecks.reporting import Report
from theorychecks.reporting.counting import ExitCode

CLAIM = '''
import numpy as np
import theorychecks as tc

WIDTHS = tc.widths(64, 4096)

def sizes(exponent):
    rng = np.random.default_rng(0)
    return tc.Measurement.of(WIDTHS, [n**exponent * np.exp(0.05 * rng.standard_normal(8)) for n in WIDTHS])

@tc.claim(id="{id}", source="made up")
def test_{name}():
    """The size falls like one over the width."""
    tc.check(sizes({exponent}), tc.PowerLaw(-1))
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
'''


@pytest.fixture(scope="module")
def skipping(run_suite, tmp_path_factory):
    summary = tmp_path_factory.mktemp("github") / "summary.md"
    summary.write_text("what another step wrote\n", encoding="utf-8")
    ran = run_suite(
        "quiet",
        "--theory-inconclusive=skip",
        "--theory-report=elsewhere/run",
        environment={"GITHUB_STEP_SUMMARY": str(summary)},
    )
    return ran, summary


def test_inconclusive_claims_may_be_skipped(skipping):
    ran, _ = skipping
    assert ran.code == 0
    assert "2 passed, 1 skipped" in ran.text
    assert "INCOMPLETE" not in ran.text


def test_skipped_claim_is_still_inconclusive_in_the_report(skipping):
    ran, _ = skipping
    report = Report.from_json((ran.directory / "elsewhere/run/report.json").read_text(encoding="utf-8"))
    assert [claim.outcome for claim in report.claims] == ["pass", "inconclusive"]
    assert report.suite.inconclusive == 1
    assert report.suite.collected == report.suite.judged == report.suite.reported == 2


def test_report_goes_where_it_is_asked_to(skipping):
    ran, _ = skipping
    written = sorted(path.name for path in (ran.directory / "elsewhere/run").iterdir())
    assert written == ["index.html", "report.json", "report.md", "summary.json"]
    assert not (ran.directory / "reports").exists()


def test_summary_of_a_github_step_grows_by_the_report(skipping):
    ran, summary = skipping
    markdown = (ran.directory / "elsewhere/run/report.md").read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8") == "what another step wrote\n" + markdown


def test_undecided_claims_are_amber_unless_asked_otherwise(pytester, inner):
    noisy = CLAIM.format(id="A", name="it", exponent="-1").replace("0.05 *", "1.0 *")
    pytester.makepyfile(test_noisy=noisy, test_calm=CLAIM.format(id="B", name="calm", exponent="-1"))
    result = inner()
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["undecided: A, the observable (prediction): *-limited: *"])
    strict = inner("--theory-inconclusive=fail")
    strict.assert_outcomes(passed=1, failed=1)
    assert strict.ret == ExitCode.UNDECIDED


def test_a_run_that_decides_nothing_does_not_pass(pytester, inner):
    source = CLAIM.format(id="A", name="it", exponent="-1").replace("0.05 *", "1.0 *")
    pytester.makepyfile(test_noisy=source)
    result = inner()
    result.assert_outcomes(skipped=1)
    assert result.ret == ExitCode.UNDECIDED
    result.stdout.fnmatch_lines(["NOTHING DECIDED: no claim passed, so the run fails"])


def test_refuted_claim_is_never_skipped(pytester, inner):
    pytester.makepyfile(test_it=CLAIM.format(id="A", name="it", exponent="-0.5"))
    result = inner("--theory-inconclusive=skip")
    assert result.ret == 1
    result.assert_outcomes(failed=1)


def test_deselected_claims_are_not_missed(pytester, inner):
    pytester.makepyfile(
        test_kept=CLAIM.format(id="A", name="kept", exponent="-1"),
        test_left=CLAIM.format(id="B", name="left", exponent="-0.5"),
    )
    result = inner("-k", "kept")
    assert result.ret == 0
    report = Report.from_json((pytester.path / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert [claim.id for claim in report.claims] == ["A"]


@pytest.mark.parametrize("options", [["--collect-only"], ["--collect-only", "-q"], ["--setup-plan"]])
def test_run_that_runs_nothing_writes_nothing(pytester, inner, options):
    pytester.makepyfile(test_it=CLAIM.format(id="A", name="it", exponent="-1"))
    result = inner(*options)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*= theory =*")
    assert not (pytester.path / "reports").exists()


def test_folders_may_have_conftests_of_their_own(pytester, inner):
    for folder in ("first", "second"):
        pytester.mkdir(folder).joinpath("conftest.py").write_text("", encoding="utf-8")
        source = CLAIM.format(id=folder, name=folder, exponent="-1")
        pytester.path.joinpath(folder, f"test_{folder}.py").write_text(source, encoding="utf-8")
    result = inner("first", "second")
    assert result.ret == 0
    result.assert_outcomes(passed=2)


GIVEN = """
@example(number=3)
def test_given(number):
    \"\"\"The size falls like one over the width, whatever the number.\"\"\"
    with open("calls", "a") as file:
        file.write(f"{number} ")
    tc.check(sizes(-1), tc.PowerLaw(-1))
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
"""


def test_same_settings_are_drawn_every_time(pytester, inner):
    pytester.makepyfile(
        test_given="from hypothesis import example, given, strategies as st\n"
        + CLAIM.format(id="A", name="it", exponent="-1")
        + "\n@tc.claim(id='B', source='made up')\n@given(number=st.integers(0, 10_000))"
        + GIVEN
    )
    inner()
    calls = pytester.path / "calls"
    first = calls.read_text(encoding="utf-8")
    calls.unlink()
    inner()
    assert calls.read_text(encoding="utf-8") == first
    assert len(first.split()) == 3


def test_run_without_claims_says_nothing_of_theory(pytester, inner):
    pytester.makepyfile(test_plain="def test_it(): pass\nclass TestIt:\n    def test_it(self): pass")
    result = inner()
    assert result.ret == 0
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*= theory =*")
    assert not (pytester.path / "reports").exists()


def test_two_claims_with_one_id_are_an_error(pytester, inner):
    pytester.makepyfile(
        test_first=CLAIM.format(id="A", name="first", exponent="-1"),
        test_second=CLAIM.format(id="A", name="second", exponent="-1"),
    )
    result = inner()
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ["two claims have the id 'A': test_first.py::test_first and test_second.py::test_second*"]
    )


def test_two_claims_with_one_id_are_an_error_on_a_worker_too(pytester, apart, monkeypatch):
    pytester.makepyfile(
        test_first=CLAIM.format(id="A", name="first", exponent="-1"),
        test_second=CLAIM.format(id="A", name="second", exponent="-1"),
    )
    result = apart("-n", "1")
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ["two claims have the id 'A': test_first.py::test_first and test_second.py::test_second*"]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_claim_below_given_is_an_error_and_not_a_plain_test(pytester, inner):
    source = CLAIM.format(id="A", name="it(number)#", exponent="-1").replace(
        "@tc.claim", "@given(number=st.integers())\n@tc.claim"
    )
    pytester.makepyfile(test_it="from hypothesis import given, strategies as st\n" + source.replace("#()", ""))
    result = inner()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*has @claim below @given, which hides it. Put @claim above @given."])


@pytest.mark.parametrize(
    "order",
    ["@settings(max_examples=4)\n@given(x=st.integers())", "@given(x=st.integers())\n@settings(max_examples=4)"],
)
def test_a_claim_with_settings_of_its_own_is_an_error(pytester, inner, order):
    # Its own deadline would fail it, and its own phases would shrink it.
    source = CLAIM.format(id="A", name="it(x)#", exponent="-1").replace("def test_", f"{order}\ndef test_")
    header = "from hypothesis import given, settings, strategies as st\n"
    pytester.makepyfile(test_it=header + source.replace("#()", ""))
    result = inner()
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ["*a claim takes its Hypothesis settings from --theory-profile. Remove its own @settings."]
    )


def test_loading_the_plugin_does_not_load_numerical_libraries():
    script = "import sys, theorychecks.plugin; print(sorted({'torch', 'scipy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_plugin_a_claim_is_an_assertion(pytester, apart):
    pytester.makepyfile(
        test_holds=CLAIM.format(id="A", name="holds", exponent="-1"),
        test_fails=CLAIM.format(id="B", name="fails", exponent="-0.5"),
    )
    result = apart("-p", "no:theorychecks")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*ClaimFailure: the observable is refuted, a prediction must be supported: *"])
    assert not (pytester.path / "reports").exists()


def test_help_shows_the_options(pytester, inner):
    result = inner("--help")
    result.stdout.fnmatch_lines(
        [
            "claims about wide networks (theorychecks):",
            "*--theory-profile=*",
            "*--theory-inconclusive=*",
            "*--theory-report=*",
        ]
    )


def test_unknown_profile_is_refused(pytester, inner):
    result = inner("--theory-profile=slow")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--theory-profile*invalid choice*slow*"])


@pytest.mark.parametrize(
    "option, message",
    [
        ("--theory-engine=abacus", "invalid choice: 'abacus'"),
        ("--theory-memory=much", "like 4GB or 500MB; got 'much'"),
        ("--theory-memory=1e999", "like 4GB or 500MB; got '1e999'"),
        ("--theory-memory=0", "like 4GB or 500MB; got '0'"),
        ("--theory-device=abacus", "--theory-device: a device is a torch device, 'cpu' or 'cuda'; got 'abacus'"),
        ("--theory-device=cuda:99", "there is no device 'cuda:99'"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_collected(inner, pytester, option, message):
    pytester.makepyfile(test_one=CLAIM.format(id="one", name="one", exponent=-1))
    ran = inner(option)
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    assert message in "\n".join(ran.errlines + ran.outlines)


@pytest.mark.parametrize(
    "text, expected",
    [("4GB", 4 * 10**9), ("500 mb", 5 * 10**8), ("1.5k", 1500), ("2GiB", 2**31), ("64", 64), ("2e9", 2 * 10**9)],
)
def test_sizes_are_read_as_people_write_them(text, expected):
    assert size(text) == expected


TRAINED = '''
import theorychecks as tc

@tc.claim(id="one", source="made up")
def test_one():
    """A sum of weights of either sign grows as the root of their number."""
    data = tc.Teacher(dimension=4, samples=2)
    training = tc.Training(tc.MLP(2, tc.RELU, tc.NTK), learning_rate=tc.scaled(0.1), data=data, loss=tc.MSE, steps=1)
    size = tc.Sweep(tc.InitialOutput(), training, widths=(48, 64, 96, 128, 384), seeds=3)
    tc.check(size, tc.UpperBound(3, rival=4))
    tc.check_refuted(size, tc.PowerLaw(3, rival=4))
'''


def test_engine_and_memory_reach_the_trainings(inner, pytester):
    pytester.makepyfile(test_one=TRAINED)
    assert inner().ret == 0
    (claim,) = report(pytester).claims
    assert {finding.engine for finding in claim.findings} == {"dense"}
    assert {finding.effort.trainings for finding in claim.findings} == {15}
    assert all(finding.effort.flops > 0 for finding in claim.findings)
    assert inner("--theory-engine=matrix_free").ret == 0
    (claim,) = report(pytester).claims
    assert {finding.engine for finding in claim.findings} == {"matrix_free"}
    ran = inner("--theory-memory=2kB")
    assert ran.ret == ExitCode.BROKEN
    ran.stdout.fnmatch_lines(["*MemoryError: one network of width * the widest that fits is *--theory-memory*"])


def test_the_report_says_which_device_was_used(inner, pytester):
    pytester.makepyfile(test_one=TRAINED)
    for options, device in (((), "cpu"), (("--theory-device=cpu:0",), "cpu:0")):
        assert inner(*options).ret == 0
        assert report(pytester).provenance.device == device


def test_a_gpu_is_told_by_its_name(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "get_device_name", {"cuda:1": "A Card"}.__getitem__)
    config = type("Config", (), {"getoption": lambda self, name: "cuda:1"})()
    assert device_used(config) == "cuda:1, A Card"


def report(pytester):
    return Report.from_json((pytester.path / "reports/latest/report.json").read_text(encoding="utf-8"))


SEEDED = '''
import numpy as np
import theorychecks as tc
import torch

@tc.observable
def size(run):
    with open("roots", "a") as file:
        file.write(f"{run.root_seed} ")
    # By seed, since they come in chunks; whatever the root seed, so that a fresh one decides the same.
    noise = np.array([np.random.default_rng([run.width, seed]).standard_normal() for seed in run.seeds])
    return torch.tensor(run.width**EXPONENT * np.exp(0.05 * noise))

TRAINING = tc.Training(
    tc.MLP(1, tc.RELU, tc.NTK), learning_rate=tc.scaled(0.1), data=tc.Teacher(dimension=4), loss=tc.MSE, steps=0
)

@tc.claim(id="A", source="made up")
def test_it():
    """The size falls like one over the width."""
    sizes = tc.Sweep(size, TRAINING, widths=tc.widths(64, 4096), seeds=8)
    tc.check(sizes, tc.PowerLaw(-1, within=0.2, rival=-0.5))
    tc.check_refuted(sizes, tc.PowerLaw(0))
'''


def roots(pytester):
    path = pytester.path / "roots"
    found = {int(root) for root in path.read_text(encoding="utf-8").split()}
    path.unlink()
    return found


def test_seeds_are_pinned_and_move_together(pytester, inner):
    pytester.makepyfile(test_it=SEEDED.replace("EXPONENT", "-1.0"))
    result = inner()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["theory: 1 claim, seed 0; fails at p < 0.005 and again on fresh seeds"])
    assert roots(pytester) == {0}
    assert inner("--theory-seed=3").ret == 0
    assert roots(pytester) == {6 * 2**32}
    assert report(pytester).suite.seed == report(pytester).claims[0].seed == 3


def test_a_fresh_seed_is_drawn_and_printed_so_that_it_can_be_repeated(pytester, inner):
    pytester.makepyfile(test_it=SEEDED.replace("EXPONENT", "-1.0"))
    drawn = []
    for _ in range(2):
        result = inner("--theory-seed=fresh")
        assert result.ret == 0
        drawn.append(report(pytester).suite.seed)
        result.stdout.fnmatch_lines([f"theory: 1 claim, seed {drawn[-1]}; *"])
    assert drawn[0] != drawn[1]
    assert roots(pytester) == {2 * 2**32 * seed for seed in drawn}


def test_workers_share_one_fresh_seed(pytester, apart):
    source = SEEDED.replace("EXPONENT", "-1.0")
    pytester.makepyfile(test_it=source, test_other=source.replace('id="A"', 'id="B"'))
    result = apart("-n", "2", "--theory-seed=fresh", "--theory-inconclusive=skip")
    drawn = report(pytester).suite.seed
    result.stdout.fnmatch_lines([f"theory: 2 claims, seed {drawn}; *"])
    assert {claim.seed for claim in report(pytester).claims} == {drawn}
    assert {root // 2**33 for root in roots(pytester)} == {drawn}


def test_a_claim_that_fails_has_failed_on_fresh_seeds_too_and_names_its_seed(pytester, inner):
    pytester.makepyfile(test_it=SEEDED.replace("EXPONENT", "-0.5"))
    result = inner("--theory-seed=3")
    result.assert_outcomes(failed=1)
    assert roots(pytester) == {6 * 2**32, 7 * 2**32}
    result.stdout.fnmatch_lines(["*reason *; on fresh seeds refuted: the interval*", "*reproduce *--theory-seed=3"])
    (claim,) = report(pytester).claims
    prediction = claim.findings[0]
    assert prediction.confirmation.verdict.value == "refuted"
    assert max(prediction.p_value, prediction.confirmation.p_value) < 0.005


MANY = '''
import pytest
import theorychecks as tc

@tc.claim(id="A", source="made up")
@pytest.mark.parametrize("number", range(1234))
def test_it(number):
    """There are many of it."""
    assert False
'''


def test_the_header_is_one_line_of_80_columns_for_many_claims_and_any_seed(pytester, inner):
    pytester.makepyfile(test_it=MANY)
    result = inner("--theory-seed=1048575", "-x")
    (header,) = [line for line in result.outlines if line.startswith("theory: ")]
    assert header == "theory: 1234 claims, seed 1048575; fail at p < 0.005 and again on fresh seeds"
    assert len(header) <= 80


@pytest.mark.parametrize("seed", ["-1", "1.5", "new", "1048576"])
def test_a_seed_that_is_none_is_refused(pytester, inner, seed):
    result = inner(f"--theory-seed={seed}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*a seed is a whole number from 0 to 1,048,575, or 'fresh'*"])


def test_header_and_report_state_the_budget_under_workers_too(pytester, apart):
    pytester.makepyfile(test_it=CLAIM.format(id="A", name="it", exponent="-1"))
    result = apart("-n", "1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["theory: 1 claim, seed 0; *", "run nightly on fresh seeds: * false alarms a year*"])
    markdown = (pytester.path / "reports/latest/report.md").read_text(encoding="utf-8")
    assert "A claim fails when chance gives its verdict less often than 0.005" in markdown


def test_a_trend_that_fails_is_reported_and_fails_the_run_under_the_gate_alone(inner, pytester):
    trend = CLAIM.format(id="rise", name="rise", exponent="-0.5").replace('id="rise"', 'id="rise", trend=True')
    pytester.makepyfile(test_it=trend, test_other=CLAIM.format(id="one", name="one", exponent=-1))
    lenient = inner()
    lenient.assert_outcomes(passed=1, skipped=1)
    assert lenient.ret == 0
    lenient.stdout.fnmatch_lines(
        ["*1 passed, 0 failed, 0 inconclusive*", "*1 trends fail, which is reported only; --theory-trends=gate fails*"]
    )
    document = json.loads((pytester.path / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))
    assert [(c["id"], c["trend"], c["outcome"]) for c in document["claims"]] == [
        ("rise", True, "fail"),
        ("one", False, "pass"),
    ]
    strict = inner("--theory-trends=gate")
    strict.assert_outcomes(passed=1, failed=1)
    assert strict.ret == 1

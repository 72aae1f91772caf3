"""What users write in a file of their own reaches every page, with no change to the package."""

import json

PREDICTION = '''
import dataclasses
import numpy as np
import theorychecks as tc
from theorychecks.statistics import Demands, Expectation, Judgement, Power, Remedy, Verdict

WIDTHS = tc.widths(64, 4096)


def sizes(exponent):
    rng = np.random.default_rng(0)
    return tc.Measurement.of(WIDTHS, [n**exponent * np.exp(0.05 * rng.standard_normal(8)) for n in WIDTHS])


@dataclasses.dataclass(frozen=True)
class Halves:
    """The quantity falls to less than a half from the first axis value to the last, in every run."""

    @property
    def expectation(self):
        return Expectation(kind="halving", margin=0.5)

    def phrase(self, axis):
        return f"halves along the {axis}"

    def demands(self, points, confidence):
        return Demands(2, 3)

    def admit(self, layout, *, confidence=0.95):
        layout.check_pairs()

    def power(self, axis_values, seeds, noise, confidence, *, shared_seeds=False):
        return Power(detectable=noise, support=1.0)

    def judge(self, measurement, other=None, *, confidence=0.95):
        ratios = np.array(measurement.values[-1]) / np.array(measurement.values[0])
        falls = bool((ratios < self.expectation.margin).all())
        return Judgement(
            measurement=measurement,
            verdict=Verdict.SUPPORTED if falls else Verdict.REFUTED,
            reason=f"the largest ratio is {ratios.max():.3f}",
            confidence=confidence,
            p_value=0.001,
        )


@tc.claim(id="own", source="made up")
def test_own():
    """The size halves."""
    tc.check(sizes(-1), Halves(), label="the size")
    tc.check_refuted(sizes(0), Halves(), label="what stays")
'''


QUANTITY = '''
import math
import theorychecks as tc

TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 16.0)
HOT = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=1, fewest_units=1)
ASKED = []


@tc.quantity(along="temperature", name="energy of {particles}", about=(("particles", "{particles}"),))
def test_energy(temperature, draw, *, particles, power=1.0):
    """What a user may well call it, and no test."""
    ASKED.extend((temperature, particles, seed) for seed in draw.seeds)
    return [temperature**power * math.exp(0.01 * draw.rng(seed).normal()) for seed in draw.seeds]


@tc.claim(id="gas", source="made up")
def test_gas():
    """The energy of bosons is proportional to the temperature, and that of fermions is not."""
    linear = tc.PowerLaw(1, corrections=HOT)
    tc.check(test_energy(particles="bosons").over(TEMPERATURES, seeds=8), linear)
    tc.check_refuted(test_energy(particles="fermions", power=2.0).over(TEMPERATURES, seeds=8), linear)


@tc.claim(id="again", source="made up")
def test_again():
    """The same of the same bosons, with nothing measured anew, and of others."""
    linear = tc.PowerLaw(1, corrections=HOT)
    tc.check(test_energy(power=1.0, particles="bosons").over(TEMPERATURES, seeds=8), linear)
    assert len([particles for _, particles, _ in ASKED if particles == "bosons"]) == 8 * len(TEMPERATURES)
    tc.check_refuted(test_energy(particles="anyons", power=1.5).over(TEMPERATURES, seeds=8), linear)
'''


def test_a_quantity_along_an_axis_of_ones_own_reaches_every_page(pytester, inner):
    pytester.makepyfile(test_it=QUANTITY)
    result = inner()
    assert result.ret == 0
    latest = pytester.path / "reports" / "latest"
    gas, again = json.loads((latest / "report.json").read_text(encoding="utf-8"))["claims"]
    bosons, fermions = gas["findings"]
    assert (bosons["label"], fermions["label"]) == ("energy of bosons", "energy of fermions")
    assert (bosons["setting"], fermions["setting"]) == ({"particles": "bosons"}, {"particles": "fermions"})
    assert bosons["judgement"]["measurement"]["axis"] == "temperature"
    assert again["findings"][0]["judgement"]["measurement"] == bosons["judgement"]["measurement"]
    for page in ("report.md", "index.html"):
        text = (latest / page).read_text(encoding="utf-8")
        assert "energy of bosons" in text
        assert "temperature" in text


def test_a_quantity_that_is_not_read_over_its_axis_says_so(pytester, inner):
    pytester.makepyfile(test_it=QUANTITY.replace(".over(TEMPERATURES, seeds=8), linear)", ", linear)"))
    result = inner()
    assert result.ret == 8
    result.stdout.fnmatch_lines(["*a quantity .over(...) its axis, or a Measurement is checked; got test_energy(*"])


def test_a_prediction_of_ones_own_reaches_every_page(pytester, inner):
    pytester.makepyfile(test_it=PREDICTION)
    result = inner()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["pass*own*halves along the width*"])
    latest = pytester.path / "reports" / "latest"
    document = json.loads((latest / "report.json").read_text(encoding="utf-8"))
    prediction, control = document["claims"][0]["findings"]
    assert prediction["expectation"]["kind"] == "halving"
    assert (prediction["judgement"]["verdict"], control["judgement"]["verdict"]) == ("supported", "refuted")
    for page in ("report.md", "index.html"):
        assert "halves along the width within 0.5" in (latest / page).read_text(encoding="utf-8")


def test_a_prediction_of_ones_own_that_fails_says_why(pytester, inner):
    pytester.makepyfile(test_it=PREDICTION.replace("tc.check(sizes(-1)", "tc.check(sizes(0)"))
    result = inner()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*halves along the width within 0.5*", "*the largest ratio is 1.*"])


def test_an_incomplete_prediction_is_refused_before_anything_is_measured(pytester, inner):
    lacking = PREDICTION.replace("def power(", "def certificate(").replace("tc.check(sizes(-1)", "tc.check(sizes(-1)")
    pytester.makepyfile(test_it=lacking)
    result = inner()
    assert result.ret == 8
    result.stdout.fnmatch_lines(["*the prediction Halves() is incomplete: it has no power.*"])


def test_a_prediction_that_could_change_is_refused(pytester, inner):
    pytester.makepyfile(test_it=PREDICTION.replace("(frozen=True)\nclass Halves", "\nclass Halves"))
    result = inner()
    assert result.ret == 8
    result.stdout.fnmatch_lines(["*a prediction is a value*has no hash. Write @dataclass(frozen=True)*"])

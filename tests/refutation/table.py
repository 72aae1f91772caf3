"""Which claim catches which breakage: what is expected, cell by cell, and the table of what has been seen."""

from breakages import BREAKAGES
from claims_under_test import CLAIMS, VARIANTS

EXPECTED = {
    "input learning rate too large": {"refuted": "H3 KR-1 LZ-1/standard LZ-1/NTK"},
    "input learning rate too small": {"refuted": "H3 KR-1 LZ-1/standard"},
    "hidden learning rate too large": {"refuted": "H2 KR-1/deep LZ-1/standard LZ-1/NTK LZ-1/bound"},
    "hidden learning rate too small": {"refuted": "H2 LZ-1/standard"},
    "readout learning rate too large": {"refuted": "H1 H3 LZ-1/standard", "undecided": "KR-1"},
    "readout learning rate too small": {"refuted": "H1 H3 KR-1 KR-1/ensemble LZ-1/NTK"},
    "input init too small": {"refuted": "H1 KR-1 LZ-1/standard LZ-1/bound", "control": "H3"},
    "hidden init too small": {"refuted": "LZ-1/standard LZ-1/NTK"},
    "readout init too small": {"refuted": "KR-1 KR-2 LZ-1/standard LZ-1/bound"},
    "readout init too large": {"refuted": "KR-1 LZ-1/standard LZ-1/bound"},
    "readout under maximal update too small": {"refuted": "A2/rich"},
    "input multiplier too small": {"refuted": "H1 H3 KR-1 LZ-1/standard"},
    "hidden multiplier too small": {"refuted": "KR-1/deep LZ-1/standard LZ-1/NTK"},
    "readout multiplier too small": {"refuted": "H3 KR-1 LZ-1/standard"},
    "readout multiplier too large": {"refuted": "A2 H1 H3 LZ-1/standard LZ-1/bound", "not measured": "KR-1"},
    "another activation's derivative": {"refuted": "KR-1 KR-2"},
    "derivative at the wrong place": {"refuted": "KR-1 KR-2"},
    "derivative with a factor 2": {"refuted": "KR-1 KR-2"},
    "derivative missing": {"refuted": "KR-1 KR-2"},
    "gain missing in the layers": {"refuted": "KR-1 KR-2"},
    "gain missing in the activation": {"refuted": "KR-1"},
    "loss summed over the width": {"refuted": "H1 H3 LZ-1/standard LZ-1/bound", "not measured": "KR-1"},
    "loss summed over the root of the width": {"refuted": "H1 H3 LZ-1/standard LZ-1/bound"},
    "loss averaged over the root of the width": {
        "refuted": "H1 H3 KR-1 LZ-1/standard LZ-1/NTK",
        "control": "LZ-1/bound",
    },
    "loss without its factor 1/2": {"refuted": "KR-2"},
    "loss averaged over the outputs": {"refuted": "KR-1 KR-2"},
    "gradients one step late": {},
    "gradients of the initial weights": {"refuted": "H3 KR-1 KR-2"},
    "one step too few": {},
    "gradients of hidden layers exchanged": {"refuted": "A1/deep"},
    "gradients of hidden layers transposed": {"refuted": "A1 A1/deep A2"},
    "Frobenius for spectral norms": {"refuted": "LZ-1/standard LZ-1/NTK", "control": "LZ-1/bound"},
    "Frobenius norms of changes": {},
    "spectral for Frobenius norms": {"refuted": "A2"},
    "readout read as hidden": {"refuted": "A2 LZ-1/standard LZ-1/NTK"},
    "tangent kernel one layer off": {"refuted": "KR-1 KR-2"},
    "time 0 for the last time": {
        "refuted": "KR-1 KR-2",
        "not measured": "A1 A2 LZ-1/standard LZ-1/bound",
    },
}
"""By breakage and outcome; nothing is asked of a claim that is not named, and where no claim is, none sees the mistake."""

CELLS = [
    (breakage, claim, outcome)
    for breakage, outcomes in EXPECTED.items()
    for outcome, claims in outcomes.items()
    for claim in claims.split()
]

_HEAD = """# Refutation

Which claim of `properties/` catches which mistake, made by hand in networks, in gradient descent or in what is read off.
`python -m pytest tests/refutation -m "slow or not slow"` makes the mistakes again and writes this page.

- **refuted**: a prediction is REFUTED, by the pinned seeds and by fresh ones, and the run fails.
- control: the predictions that were reached are SUPPORTED, and a control, which must be REFUTED, is SUPPORTED too, twice;
  the run fails.
- undecided: a prediction is INCONCLUSIVE; the claim is skipped, and fails with `--theory-inconclusive=fail`.
- not measured: no run at any width gives a number, which is an error.
- an empty cell asks for nothing; where a claim cannot see the mistake, the last column says why.

Each cell is the first finding of the claim that is not as it should be, on its canonical setting{variants}.
"""


class Table:
    """What has been seen, cell by cell."""

    def __init__(self):
        self._seen = {}

    def note(self, breakage, claim, outcome, words=""):
        """Fill a cell in: the outcome, and the words of the finding behind it."""
        self._seen[breakage, claim] = outcome, words

    @property
    def complete(self):
        """Whether every cell that is expected has been seen, as expected."""
        return {(*cell, outcome) for cell, (outcome, _) in self._seen.items()} == set(CELLS)

    def markdown(self):
        """The whole page."""
        variants = "".join(f"; {claim} is {claim.split('/')[0]} with {words}" for claim, words in VARIANTS.items())
        lines = [_HEAD.format(variants=variants), _line(["mistake", *CLAIMS, "what others do not see"])]
        lines.append(_line(["---"] * (len(CLAIMS) + 2)))
        for name, breakage in BREAKAGES.items():
            cells = [self._seen.get((name, claim), ("", ""))[0] for claim in CLAIMS]
            shown = [f"**{cell}**" if cell == "refuted" else cell for cell in cells]
            lines.append(_line([f"{name}: {breakage.words}", *shown, breakage.unseen]))
        lines += ["", "## What was found", ""]
        lines += [f"- {name}, {claim}: {words}" for (name, claim), (_, words) in sorted(self._seen.items()) if words]
        return "\n".join(lines) + "\n"


def _line(entries):
    return "| " + " | ".join(entries) + " |"

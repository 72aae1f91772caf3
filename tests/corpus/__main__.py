"""`python -m tests.corpus [correct|fresh|twins|broken] [--seeds N] [--only NAME]`: gates over models, one line each.

Every line is a JSON object: the entry's name, its master seed, the outcome, seconds, and what was diagnosed.
`python -m tests.corpus page FILE...` makes a page of Markdown of them.
"""

import argparse
import json
import time
from pathlib import Path

from tests.corpus import broken, correct, fresh, twins
from tests.corpus.page import page
from theorychecks.gates.coordinate_check import checked, swept
from theorychecks.judging import Conditions

ENTRIES = {"correct": correct.ENTRIES, "fresh": fresh.ENTRIES, "twins": twins.ENTRIES, "broken": broken.ENTRIES}


def measured(entry, seed):
    """The outcome of an entry's gate at the default budget, and whether its diagnosis is right."""
    begun = time.perf_counter()
    try:
        sweep = swept(entry.model(), entry.parametrization, entry.values)
        check = checked(sweep, entry.parametrization, Conditions(seed=seed))
    except Exception as error:  # what is not judged is counted, and named
        return {"outcome": "error", "text": f"{type(error).__name__}: {error}", "seconds": time.perf_counter() - begun}
    outcome = "pass" if check.passed else "fail" if check.failed else "undecided"
    # The advice that is read first is followed first.
    first = check.diagnosis.culprits[:1]
    named = [
        [culprit.kind, culprit.where, round(2 * culprit.exponent) / 2, culprit.sure]
        for culprit in check.diagnosis.culprits
    ]
    astray = [culprit for culprit in check.diagnosis.culprits if culprit.sure and not is_right(culprit, entry)]
    return {
        "outcome": outcome,
        "right": any(is_right(culprit, entry) for culprit in first),
        "astray": len(astray),
        "coordinates": len(check.findings),
        "refuted": len(check.refuted),
        "undecided": len(check.undecided),
        "runs": max(sum(finding.measurement.seeds) for finding in check.findings),
        "seconds": time.perf_counter() - begun,
        "named": named,
        "text": str(check),
    }


def is_right(culprit, entry):
    """Whether a culprit is a mistake of the entry's, by kind, by one of its parts, and by the half-integer."""
    return any(
        culprit.kind == mistake.kind
        and mistake.part in culprit.parts
        and round(2 * culprit.exponent) / 2 == mistake.exponent
        for mistake in entry.mistakes
    )


def main():
    """Measure what the command line asks for, or show what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus")
    parser.add_argument("which", choices=[*ENTRIES, "page"])
    parser.add_argument("files", nargs="*", type=Path, help="of lines that a page is made of")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the names that are measured")
    chosen = parser.parse_args()
    if chosen.which == "page":
        texts = [text for file in chosen.files for text in file.read_text(encoding="utf-8").splitlines()]
        print(page([json.loads(text) for text in texts]), end="")
        return
    for entry in ENTRIES[chosen.which]:
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            if chosen.only in entry.name:
                line = {"name": entry.name, "seed": seed, "kind": chosen.which, **measured(entry, seed)}
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()

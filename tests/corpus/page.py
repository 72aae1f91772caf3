"""The page of what gates said of the corpus, from the lines that were measured."""

from collections import Counter

_HEAD = """# Gates over models

What the coordinate check says, at its default budget, of models of many kinds as their owners would write them.
Correct ones must pass, and broken ones, with one mistake each, must fail with that mistake named first.
The entries are in `tests/corpus`; the right answer of each was written down before its gate was run.
These commands measure them again, and the last one writes this page:

```bash
python -m tests.corpus correct --seeds 3 > correct.jsonl
python -m tests.corpus fresh --seeds 3 > fresh.jsonl
python -m tests.corpus twins > twins.jsonl
python -m tests.corpus broken > broken.jsonl
for name in tanh autoencoder two_towers; do python -m tests.corpus correct --seeds 50 --only $name; done > many.jsonl
python -m tests.corpus page correct.jsonl fresh.jsonl twins.jsonl broken.jsonl many.jsonl > reports/models.md
```

Runs are trainings at all widths together; seconds are those of one core, beside whatever else the machine did.
"""
_SECTIONS = {
    "correct": (
        "Correct models",
        "Mixer, two towers, autoencoder, Mixtral, Granite and the deep decoder were failed or left open when they were "
        "first gated, on some seeds or all; predictions were changed for their kinds, so that they are no fresh test.",
    ),
    "fresh": (
        "Correct models for which nothing was changed",
        "They were written after these changes, and what is open stays open.",
    ),
    "twins": ("The networks of broken models, without the mistake", "A refutation of these would have another cause."),
}
_MANY = 10
"""Seeds of one entry, beyond which they have a table of their own."""


def page(lines):
    """Markdown from the objects that a measurement prints, of which the same gate may have several."""
    lines = list({(line["kind"], line["name"], line["seed"]): line for line in lines}.values())
    many = {name for name, count in Counter(line["name"] for line in lines).items() if count > _MANY}
    parts = [_HEAD]
    for kind, (title, note) in _SECTIONS.items():
        if found := [
            line for line in lines if line["kind"] == kind and not (line["name"] in many and line["seed"] > 2)
        ]:
            parts += [f"## {title}\n\n{note}\n", *_correct(found)]
    if broken := [line for line in lines if line["kind"] == "broken"]:
        parts += _broken(broken)
    if many:
        parts += _many([line for line in lines if line["name"] in many])
    return "\n".join(parts)


def _correct(lines):
    seeds = sorted({line["seed"] for line in lines})
    by_seed = {seed: Counter(line["outcome"] for line in lines if line["seed"] == seed) for seed in seeds}
    counts = (f"{found['pass']} of {found.total()} pass on seed {seed}" for seed, found in by_seed.items())
    failed = sum(line["outcome"] == "fail" for line in lines)
    yield f"{', '.join(counts)}; {failed} fail.\n"
    columns = ["model", *(f"seed {seed}" for seed in seeds), "coordinates", "runs", "seconds"]
    yield from _table(columns, (_of_a_correct_one(name, of, seeds) for name, of in _by_name(lines)))


def _of_a_correct_one(name, lines, seeds):
    by_seed = {line["seed"]: line for line in lines}
    outcomes = [by_seed[seed]["outcome"] if seed in by_seed else "not run" for seed in seeds]
    ranges = [_range(line[key] for line in lines if key in line) for key in ("coordinates", "runs", "seconds")]
    return [name, *outcomes, *ranges]


def _broken(lines):
    refuted, named = sum(line["outcome"] == "fail" for line in lines), sum(line.get("right", False) for line in lines)
    passed, astray = sum(line["outcome"] == "pass" for line in lines), sum(line.get("astray", 0) for line in lines)
    yield (
        f"## Broken models\n\n{refuted} of {len(lines)} fail, {named} with their mistake named first; {passed} pass.\n"
        f"{astray} other culprits are called sure, of what is not declared to be off; some of them follow from it.\n"
    )
    rows = (
        [
            line["name"],
            line["outcome"],
            _named(line),
            *(line.get(key, "") for key in ("astray", "runs")),
            _rounded(line),
        ]
        for line in lines
    )
    yield from _table(["model: mistake", "outcome", "named first", "others sure", "runs", "seconds"], rows)


def _rounded(line):
    return f"{line['seconds']:.0f}"


def _named(line):
    if not line.get("named"):
        return "nothing"
    kind, where, exponent, sure = line["named"][0]
    said = f"{'' if sure else 'perhaps '}{kind} of {where}, n^{exponent:+g}"
    return said if line["right"] else f"**{said}**"


def _many(lines):
    yield "## Correct models on many seeds\n"
    outcomes = ("pass", "undecided", "fail")
    rows = []
    for name, of in _by_name(lines):
        found = Counter(line["outcome"] for line in of)
        rows.append([name, len(of), *(found[outcome] for outcome in outcomes), _range(line["runs"] for line in of)])
    yield from _table(["model", "seeds", *outcomes, "runs"], rows)


def _by_name(lines):
    return (
        (name, [line for line in lines if line["name"] == name]) for name in dict.fromkeys(x["name"] for x in lines)
    )


def _range(numbers):
    found = [round(number) for number in numbers]
    if not found:
        return ""
    return str(found[0]) if min(found) == max(found) else f"{min(found)} to {max(found)}"


def _table(columns, rows):
    yield "\n".join(f"| {' | '.join(map(str, row))} |" for row in (columns, ["---"] * len(columns), *rows)) + "\n"

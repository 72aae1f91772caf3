"""The tutorial on lazy and feature learning, whose sentences are claimed in several files."""

import theorychecks as tc

TUTORIAL = tc.Paper(
    title="Lazy vs feature learning (tutorial, 2026)",
    seen="whole, in a copy without its formulas",
)

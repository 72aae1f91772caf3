"""Rendering: templates, which turn a report and its pictures into text, where every word is escaped."""

from functools import cache

import jinja2


@cache
def template(name: str) -> jinja2.Template:
    """Return a template of this package by the name of its file."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("theorychecks.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)

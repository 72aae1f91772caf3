"""matplotlib's SVG, made small, recolourable and free of colliding ids, so that many fit inline on one page."""

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

_DECIMAL = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
# What matplotlib repeats on every element although it says what is so anyway, or what the page's own style says.
_IDLE_STYLE = {"opacity: 1", "stroke-linejoin: miter", "stroke-linecap: butt", "stroke-dashoffset: 0"}


def inline_svg(text: str, *, title: str, inks: Mapping[str, str]) -> str:
    """Return an SVG file's text as one inline `<svg>` element.

    The element takes its size from the page, has `title` as its accessible name, keeps only the ids that it refers to,
    and has every placeholder colour in `inks` replaced.
    """
    root = _parse(text)
    for element in root.iter():
        _simplify(element, inks)
    _drop_idle_parts(root)
    referenced = set(_references(root))
    for element in root.iter():
        if element.get("id") not in referenced:
            element.attrib.pop("id", None)
    _set_frame(root, title)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _parse(text: str) -> ElementTree.Element:
    """Return the tree without namespaces, which an inline element takes from the page."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
        # Between elements there is only indentation; in a text element it would become a space.
        element.tail = None
        if element.tag not in {"text", "tspan"}:
            element.text = None
    return root


def _simplify(element: ElementTree.Element, inks: Mapping[str, str]) -> None:
    for name, value in element.attrib.items():
        if name != "id" and name != "href":
            element.attrib[name] = _DECIMAL.sub(_rounded, " ".join(value.split()))
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if "style" in element.attrib:
        element.attrib["style"] = _short_style(element.attrib["style"], inks)


def _rounded(match: re.Match[str]) -> str:
    value = float(match.group())
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 10 else f"{value:.2f}"


def _short_style(style: str, inks: Mapping[str, str]) -> str:
    kept: list[str] = []
    for part in (part.strip() for part in style.split(";")):
        if part and part not in _IDLE_STYLE:
            # The page's font: the one named may not be on the machine that shows it.
            part = re.sub(r"^font: ([\d.]+px) .*", r"font-size: \1", part)
            if not part.startswith("font-family"):
                kept.append(part.replace(": ", ":"))
    text = ";".join(kept)
    for placeholder, ink in inks.items():
        text = text.replace(placeholder, ink)
    return text


def _drop_idle_parts(root: ElementTree.Element) -> None:
    """Remove metadata, the style sheet that would apply to the whole page, and groups that hold nothing."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {"metadata", "style"}:
                parent.remove(child)
    emptied = True
    while emptied:
        emptied = False
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag in {"g", "defs"} and len(child) == 0:
                    parent.remove(child)
                    emptied = True


def _references(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "href":
                yield value.removeprefix("#")
            yield from _REFERENCE.findall(value)


def _set_frame(root: ElementTree.Element, title: str) -> None:
    view_box = root.attrib["viewBox"]
    root.attrib = {"class": "plot", "viewBox": view_box, "role": "img", "aria-label": title}

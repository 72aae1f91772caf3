"""The README and the pages of the guide, as texts, blocks of code and commands."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "theorychecks" / "guide"
DOCUMENTS = [ROOT / "README.md", *sorted(GUIDE.glob("*.md"))]
_FENCED = re.compile(r"^```(\w+)( [^\n]*)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TYPED = re.compile(r"(?:python3?|pytest|theorychecks|pip) .+")


def text_of(document):
    return document.read_text(encoding="utf-8")


def page(topic):
    return text_of(GUIDE / f"{topic}.md")


def blocks(text, language):
    """Fenced blocks of a language, each with the words that stand behind the language."""
    return [(words.split(), code) for name, words, code in _FENCED.findall(text) if name == language]


def commands(text):
    """Commands that a reader may type, once each: in shell blocks, in steps of CI, and in prose."""
    shell = [line for _, code in blocks(text, "bash") for line in code.splitlines()]
    steps = [step.partition("#")[0].strip() for _, code in blocks(text, "yaml") for step in _steps(code)]
    prose = re.findall(r"`([^`\n]+)`", _FENCED.sub("", text))
    # TOPIC, PATH_OF_THE_CLONE and the like stand for what the reader has.
    return list(dict.fromkeys(each for each in (*shell, *steps, *prose) if _TYPED.fullmatch(each)))


def _steps(code):
    return re.findall(r"- run: (.*)", code)

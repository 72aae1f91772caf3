"""Parts tell readings apart, are their names in reports, and are what a check selects by."""

import os
import pickle
import subprocess
import sys

import pytest

from theorychecks.statistics import Parts, PartsError
from theorychecks.statistics.parts import check_names, parts_of, select, selection


def test_parts_are_a_value_and_a_key():
    parts = Parts(layer="hidden 2", norm="spectral")
    assert parts == Parts({"norm": "spectral", "layer": "hidden 2"})
    assert {parts: 1}[Parts(norm="spectral", layer="hidden 2")] == 1
    assert parts != Parts(layer="hidden 2")
    assert parts["norm"] == "spectral"
    assert parts.get("step") is None
    assert Parts(parts, step=3) == Parts(layer="hidden 2", norm="spectral", step=3)
    assert Parts(step=3) != Parts(step="3")
    assert eval(repr(parts)) == parts
    with pytest.raises(TypeError):
        parts["norm"] = "frobenius"


def test_parts_from_another_process_are_found():
    # Texts have other hashes there.
    send = "import pickle, sys; from theorychecks.statistics import Parts; sys.stdout.buffer.write(pickle.dumps({}))"
    command = [sys.executable, "-c", send.format("Parts(name='a')")]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    sent = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    assert {Parts(name="a"): 1}[pickle.loads(sent)] == 1


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (Parts(), ""),
        (Parts(layer="hidden 2", role="hidden", norm="frobenius"), "hidden 2, frobenius"),
        (Parts(layer=1, role="input"), "layer 1"),
        (Parts(role="hidden", norm="frobenius"), "hidden, frobenius"),
        (Parts({"input": 0, "class": 2}), "input 0, class 2"),
        (Parts(observable="outputs", step=3), "outputs, step 3"),
    ],
)
def test_the_text_has_the_values_in_order_and_numbers_behind_their_names(parts, text):
    assert str(parts) == text


@pytest.mark.parametrize("value", [1.5, None, True, "", ("a", "b")])
def test_a_part_is_a_text_or_a_whole_number(value):
    with pytest.raises(TypeError, match="a part of a reading is a text or a whole number; got step="):
        Parts(step=value)


def test_a_text_stands_for_a_name():
    assert parts_of("first") == Parts(name="first")
    assert parts_of("") == Parts()
    assert parts_of(Parts(step=1)) == Parts(step=1)
    with pytest.raises(TypeError, match=r"a name or by tc\.Parts\(\.\.\.\); got the key 3"):
        parts_of(3)


READINGS = [Parts(title=title, step=step) for title in ("outputs", "loss") for step in (1, 2)] + [Parts(name="rest")]


def chosen(**wanted):
    return [str(parts) for parts in select(READINGS, selection(wanted), "everything")]


def test_readings_are_chosen_by_one_or_several_values_of_their_parts():
    assert chosen() == ["outputs, step 1", "outputs, step 2", "loss, step 1", "loss, step 2", "rest"]
    assert chosen(step=2) == ["outputs, step 2", "loss, step 2"]
    assert chosen(step=(2, 1), title="loss") == ["loss, step 1", "loss, step 2"]
    assert chosen(name="rest") == ["rest"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"stepp": 2}, "no reading of 'everything' has stepp=2; there are the parts title, step, name"),
        ({"step": 3}, "has step=3; there are step=1, 2"),
        ({"step": "2"}, "has step='2'; there are step=1, 2"),
        ({"step": (1, 3)}, "has step=3; there are step=1, 2"),
        ({"step": ()}, "step=.*none"),
        ({"step": 1, "name": "rest"}, "has step=1 and name='rest' at once; there are 'outputs, step 1'"),
    ],
)
def test_what_no_reading_has_is_refused_with_what_there_is(wanted, said):
    with pytest.raises(PartsError, match=said):
        chosen(**wanted)


def test_names_are_refused_before_there_are_values():
    check_names(selection({"step": 7}), ("step", "title"), "everything")
    with pytest.raises(PartsError, match="has norm='spectral'; there are the parts step, title"):
        check_names(selection({"norm": "spectral"}), ("step", "title"), "everything")
    with pytest.raises(PartsError, match="its only reading has no parts"):
        check_names(selection({"norm": "spectral"}), (), "everything")

"""A claim has one place on the page, the same from run to run, under its subject and its papers."""

import pytest

from theorychecks.reporting.contents import arxiv_address, entries, source_names, with_links


def test_anchors_differ_whatever_the_ids_are(records):
    names = ["A", "A", "A", "A B", "A-B", "A B"]
    anchors = [entry.anchor for entry in entries([records.claim(id=name, test="t.py::x") for name in names])]
    assert len(set(anchors)) == len(names)
    assert not any(character.isspace() for anchor in anchors for character in anchor)
    assert anchors[0] == "A"


def test_claims_with_one_id_are_told_apart_by_what_their_tests_are_given(records):
    tests = [f"properties/test_x.py::test_y[{name}]" for name in ("decoder, SGD", "residual")]
    found = entries([*(records.claim(id="M1/models", test=test) for test in tests), records.claim(id="M2")])
    assert [entry.name for entry in found] == ["M1/models [decoder, SGD]", "M1/models [residual]", "M2"]
    assert [entry.anchor for entry in found] == ["M1/models", "M1/models[residual]", "M2"]


def test_the_first_of_a_family_answers_to_its_name_unless_a_claim_does(records):
    found = entries([records.claim(id=name) for name in ("LZ-1/a", "LZ-1/b", "H2", "H2/ratio")])
    assert [entry.family for entry in found] == ["LZ-1", "", "", ""]


def test_links_are_addresses(records):
    (entry,) = entries([records.claim(id="H5/four 100%")])
    assert entry.href == "#H5/four-100%25"


def test_a_subject_is_a_file_in_words(records):
    tests = ["properties/test_lazy_regime.py::test_x", "gate.py::test_x", "::"]
    subjects = [entry.subject for entry in entries([records.claim(test=test) for test in tests])]
    assert subjects == ["Lazy regime", "Gate", "Other claims"]


def test_sources_are_named_as_claims_name_them(records):
    claims = [
        records.claim(source="Lee et al. 2019, arXiv:1902.06720, Fig. 1; Yang and Hu 2021, arXiv:2011.14522"),
        records.claim(source="derived here from Yang and Hu 2021, arXiv:2011.14522"),
        records.claim(source="arXiv:2605.24710 (abstract)"),
        records.claim(source="derived here"),
    ]
    named = [(source.number, source.name) for source in source_names(entries(claims))]
    assert named == [
        ("2605.24710", "arXiv:2605.24710"),
        ("1902.06720", "Lee et al. 2019"),
        ("2011.14522", "Yang and Hu 2021"),
        ("", "no paper"),
    ]


def test_only_numbers_of_papers_become_links():
    pieces = with_links("see arXiv:1902.06720, not arXiv:19 or arXiv:1902.067201")
    assert [piece for piece, address in pieces if address] == ["arXiv:1902.06720"]
    assert "".join(piece for piece, _ in pieces) == "see arXiv:1902.06720, not arXiv:19 or arXiv:1902.067201"


@pytest.mark.parametrize("number", ["", "javascript:x", "2505.22491/../x", "2505.22491\n", "hep-th/9901001"])
def test_what_is_no_number_has_no_address(number):
    assert arxiv_address(number) == ""


def test_kinds_are_those_of_the_claim_and_of_its_predictions(records):
    found = entries([records.claim(findings=[records.finding(), records.ordering()]), records.claim(trend=True)])
    assert found[0].kinds == ("claim", "power_law", "ordering")
    assert found[1].kinds[0] == "trend"

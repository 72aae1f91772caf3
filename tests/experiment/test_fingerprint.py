"""A fingerprint changes with all that makes numbers, with nothing else, and is the same in every process."""

import copy
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.experiment.sources import CHANGES, STAYS
from theorychecks.experiment.fingerprint import Unfingerprintable, changed, fingerprint, parts

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("what", CHANGES)
def test_what_makes_numbers_changes_it(load, what):
    one, other = (load(source) for source in CHANGES[what])
    assert fingerprint(one) == fingerprint(one)
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize("what", CHANGES)
def test_the_same_source_in_another_file_does_not(load, what):
    one, other = (load(CHANGES[what][0]) for _ in range(2))
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize("what", STAYS)
def test_what_makes_none_does_not(load, what):
    one, other = (load(source) for source in STAYS[what])
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize("taken", [copy.copy, copy.deepcopy, lambda thing: thing.__reduce_ex__(4)])
def test_an_object_that_was_copied_or_pickled_stays_what_it_was(load, taken):
    """As where a design was sent to another process; Python notes in its class how that is done."""
    thing = load("class A:\n    def __init__(self): self.b = 1\n    def h(self): return self.b\nroot = A()")
    before = fingerprint(type(thing))
    taken(thing)
    assert "__slotnames__" in vars(type(thing))
    assert fingerprint(type(thing)) == before


def test_a_helper_counts_wherever_it_lies(load):
    uses = {
        "from helper import h\ndef root(x): return h(x)": True,
        "import helper\ndef root(x): return helper.h(x)": True,
        "def root(x):\n    import helper\n    return helper.h(x)": True,
        "def root(x):\n    from helper import h as g\n    return g(x)": True,
        "import helper\ndef make():\n    m = helper\n    return lambda x: m.h(x)\nroot = make()": True,
        "import helper\nM = {'a': helper}\ndef root(x): return M[x].h(x)": True,
        "import helper\ndef root(x): return helper.g(x)": False,
        "def root(x):\n    import helper\n    return helper.g(x)": False,
    }
    for source, changes in uses.items():
        found = [
            fingerprint(load(source, helper=f"def h(x): return {n}\ndef g(x): return 0\nN = {n}")) for n in (1, 1, 2)
        ]
        assert found[0] == found[1]
        assert (found[0] != found[2]) == changes, source


@pytest.mark.parametrize(
    ("folder", "is_read"),
    [("venv/lib/python3.11/site-packages", False), ("usr/lib/python3/dist-packages", False), ("project/src", True)],
)
def test_code_of_another_distribution_counts_by_its_name(tmp_path, monkeypatch, folder, is_read):
    source = "N = {0}\nclass A:\n    n = {0}\ndef h(): return {0}\nDEFAULT = A()"
    use = "import {0}_lib as lib\nfrom {0}_lib import h, A, DEFAULT\ndef f(): return lib.N, h(), A(), DEFAULT, lib.h()"
    found = []
    for number in (1, 1, 2):
        place = tmp_path / f"{len(found)}" / folder
        place.mkdir(parents=True)
        name = f"own{int(is_read)}_lib"
        (place / f"{name}.py").write_text(source.format(number))
        monkeypatch.syspath_prepend(place)
        monkeypatch.delitem(sys.modules, name, raising=False)
        space = {"__name__": "user"}
        exec(use.format(name.removesuffix("_lib")), space)
        found.append(fingerprint(space["f"]))
    assert found[0] == found[1]
    assert (found[1] != found[2]) == is_read


def with_an_assertion(x):
    assert x > 0, "pytest rewrites this"
    return [y for y in x]


def test_what_pytest_rewrites_is_read_as_it_is_written(load):
    plain = "def root(x):\n    assert x > 0, 'pytest rewrites this'\n    return [y for y in x]"
    renamed = load(plain.replace("root", "with_an_assertion") + "\nroot = with_an_assertion")
    assert fingerprint(with_an_assertion) == fingerprint(renamed)


def test_what_libraries_make_of_functions_is_looked_into(load):
    ways = [
        "torch.func.vmap(f)",
        "torch.func.grad(f)",
        "np.vectorize(f)",
        "(f, re.compile('a'), Decimal(1), Fraction(1, 2))",
    ]
    ways += [
        "torch.nn.Sequential(torch.nn.Identity(), A())",
        "operator.methodcaller('f', f)",
        "defaultdict(lambda: f(1))",
        "stats.norm(0, 1)",
    ]
    head = "import torch, re, operator\nimport numpy as np\nfrom decimal import Decimal\nfrom scipy import stats\n"
    head += "from fractions import Fraction\nfrom collections import defaultdict\n"
    body = "def f(x): return {0} * x\nclass A(torch.nn.Module):\n    def forward(self, x): return {0}\n"
    for way in ways:
        one, same, other = (load(head + body.format(n) + f"root = {way}") for n in (1, 1, 2))
        assert fingerprint(one) == fingerprint(same), way
        assert (fingerprint(one) != fingerprint(other)) == ("norm" not in way), way


def test_what_libraries_keep_of_their_own_is_not(load):
    """SciPy keeps compiled functions in a closure once they have been used."""
    from scipy.linalg import cho_factor

    uses = load("from scipy.linalg.lapack import get_lapack_funcs as root")
    before = fingerprint(uses)
    cho_factor(np.eye(2))
    assert fingerprint(uses) == before


def test_a_lazy_package_is_asked(load):
    lazy = "def __getattr__(name):\n    if name == 'h':\n        return g\n    raise AttributeError(name)\ndef g(): return {}"
    one, same, other = (load("import lazy\ndef root(): return lazy.h()", lazy=lazy.format(n)) for n in (1, 1, 2))
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


VALUES = [
    None, True, False, 0, 1, -1, 2**70, 0.0, -0.0, 1.0, float("nan"), float("inf"), -float("inf"), 1j, "", "1", "a\ud800", b"1",
    bytearray(b"1"), (), (1,), [1], ((1,),), (1, 2), (2, 1), {}, {1: 2}, {"1": 2}, {True: 2}, set(), {1}, frozenset({1}), frozenset({"1"}),
    Path("a"), Path("a/b"), range(3), slice(3), ..., int, float, torch.float32, torch.float64, "torch.float32", torch.device("cpu"),
    np.dtype("f4"), np.float64(1), np.float32(1), np.int64(1), np.zeros(2), np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2, "f4"), np.array([1, "a"], object),
    np.array([1, "b"], object), np.ma.masked_array([0.0, 0.0], [True, False]), torch.zeros(2), torch.zeros(2, 1), torch.zeros(2, dtype=torch.float64),
    torch.zeros(2, dtype=torch.bfloat16), torch.zeros(2, dtype=torch.bool), torch.zeros(()), torch.zeros(0), torch.zeros(0, 1), nn.Parameter(torch.zeros(2)),
    torch.zeros(2, dtype=torch.complex64), torch.Size([1]), np.sin, np.cos, torch.sin, torch.nn.functional.gelu, torch.relu, len, "x".join, list[int],
    dict[int, int], tc.SGD(), tc.SGD(momentum=0.5), tc.Adam(), tc.MSE, tc.CROSS_ENTROPY, tc.TANH, tc.STANDARD, tc.Training, nn.ReLU(), nn.Linear,
]  # fmt: skip


def test_values_are_told_apart():
    found = [fingerprint(value) for value in VALUES]
    assert len(set(found)) == len(VALUES)
    assert found == [fingerprint(value) for value in VALUES]


def test_equal_values_are_not():
    pairs = [
        (float("nan"), -float("nan")),
        (np.zeros((2, 3)).T, np.zeros((3, 2))),
        (np.arange(3, dtype=">i4"), np.arange(3, dtype="<i4")),
        (torch.arange(6.0).view(2, 3).T, torch.tensor([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]])),
        (torch.arange(4.0)[::2], torch.tensor([0.0, 2.0])),
        ("ab" * 2, "abab"),
        ({3, 1, 2}, {2, 3, 1}),
    ]
    for one, other in pairs:
        assert fingerprint(one) == fingerprint(other)


def test_things_are_told_apart_by_their_order():
    assert fingerprint(1, 2) != fingerprint(2, 1)
    assert fingerprint(1, 2) != fingerprint((1, 2))
    assert fingerprint() != fingerprint(())


def test_things_that_hold_themselves_have_an_end():
    def ring(n):
        found = [n]
        found.append({"back": found})
        return found

    assert fingerprint(ring(1)) == fingerprint(ring(1)) != fingerprint(ring(2))
    deep = ()
    for _ in range(10_000):
        deep = (deep,)
    assert fingerprint(deep) != fingerprint(deep[0])
    wide = ()
    for _ in range(100):
        wide = (wide, wide)
    assert fingerprint(wide) != fingerprint(wide[0])


# What cannot be fingerprinted: its source, where it is found, and words of the rule.
REFUSED = {
    "a semaphore": ("import _multiprocessing\nL = _multiprocessing.SemLock(0, 1, 1, '/n', True)\ndef root(x): return L", "{}.root, `L`", "no state"),
    "a generator": ("def make(g):\n    return lambda x: g\nroot = make(i for i in ())", "{}.make.<locals>.<lambda>, closure `g`", "used up"),
    "an open file": ("def root(x, file=open(__file__)): return file", "{}.root, default `file`", "open file"),
    "random numbers": ("import numpy as np\nR = [np.random.default_rng(0)]\ndef root(x): return R", "{}.root, `R`[0]", "after each draw"),
    "a method of random numbers": ("import numpy as np\nR = np.random.default_rng(0).normal\ndef root(x): return R()", "{}.root, `R`, self", "after each draw"),
    "random numbers of torch": ("import torch\nclass root:\n    g = torch.Generator()", "{}.root.g", "after each draw"),
    "a tensor without numbers": ("import torch\nT = {'a': torch.zeros(2, device='meta')}\ndef root(x): return T", "{}.root, `T`['a']", "meta"),
    "a sparse tensor": ("import torch\nT = torch.eye(2).to_sparse()\ndef root(x): return T", "{}.root, `T`", "to_dense"),
    "a function behind a ufunc": ("import numpy as np\nf = np.frompyfunc(lambda x: x, 1, 1)\ndef root(x): return f(x)", "{}.root, `f`", "np.vectorize"),
    "an object without a state": (
        "class A:\n    def __reduce_ex__(self, n): raise TypeError('no state')\nclass B: pass\nroot = B(); root.a = [A()]", "{}.B.a[0]", "__fingerprint__",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore:Sparse", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_what_nothing_tells_apart_is_refused(load, what):
    source, place, rule = REFUSED[what]
    root = load(source)
    module = getattr(root, "__module__", type(root).__module__)
    with pytest.raises(Unfingerprintable) as caught:
        fingerprint(root)
    assert str(caught.value).startswith(place.format(module) + " cannot be stored")
    assert rule in str(caught.value)
    with pytest.raises(Unfingerprintable):
        fingerprint(root)


def test_a_class_may_say_what_its_numbers_depend_on():
    class Table:
        def __init__(self, size):
            self.size, self.lock = size, threading.Lock()

        def __fingerprint__(self):
            return self.size

    assert fingerprint(Table(1)) == fingerprint(Table(1)) != fingerprint(Table(2))


def test_what_changes_in_place_is_seen(load, monkeypatch):
    root = load(
        "import numpy as np\nN = 1\nT = [1]\nA = np.zeros(2)\nclass C:\n    n = 1\n    def f(self): return 1\ndef h(a=1): return 1\ndef root(x): return N, T, A, C(), h(), abs(x)"
    )
    module = sys.modules[root.__module__]
    first = fingerprint(root)

    def change(name, value, place=module):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, value, raising=False)
            assert fingerprint(root) != first
        assert fingerprint(root) == first

    change("N", 2)
    change("T", [2])
    change("h", lambda a=1: 2)
    change("abs", lambda x: x)
    change("n", 2, module.C)
    change("more", 2, module.C)
    change("f", lambda self: 2, module.C)
    change("__defaults__", (2,), module.h)
    change("__code__", (lambda a=1: 3).__code__, module.h)
    change("table", 2, module.h)
    module.T.append(2)
    second = fingerprint(root)
    module.A[0] = 1
    assert len({first, second, fingerprint(root)}) == 3


IN_PLACE = """
    import dataclasses, types
    @dataclasses.dataclass(frozen=True)
    class D:
        v: object
    D1, M, L = {"a": {"b": 1}}, {"c": 1}, [D(1)]
    P, Q, T = types.MappingProxyType(M), D({"d": 1}), ({"e": 1},)
    def other(): return D1, L, P, Q, T
    def root(): return D1, L, P, Q, T
"""


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.D1["a"].update(b=2),
        lambda module: module.D1.update(x=1),
        lambda module: module.M.update(c=2),
        lambda module: module.L.append(1),
        lambda module: object.__setattr__(module.L[0], "v", 2),
        lambda module: module.Q.v.update(d=2),
        lambda module: object.__setattr__(module.Q, "v", 3),
        lambda module: module.T[0].clear(),
    ],
)
def test_what_changes_in_place_is_seen_by_all_that_share_it(load, change):
    root = load(IN_PLACE)
    module = sys.modules[root.__module__]
    before = fingerprint(module.other), fingerprint(root)
    assert (fingerprint(module.other), fingerprint(root)) == before
    change(module)
    now = fingerprint(module.other), fingerprint(root)
    assert now[0] != before[0]
    assert now[1] != before[1]


@pytest.mark.parametrize("first", ["f", "g", "h", "K"])
def test_it_does_not_depend_on_what_was_asked_for_before(load, first):
    """Things that are made of each other, a value among them, are entered at any place."""
    source = """
        def f(x): return TABLE["g"](x) + 1
        def g(x): return h(x) + K.k
        def h(x): return len(TABLE)
        class K:
            k = 2
            def m(self): return f(1)
        TABLE = {"g": g, "h": h}
        def root(x): return f(x) + g(x) + K().m() + len(TABLE)
    """
    alone, entered = load(source), load(source)
    fingerprint(getattr(sys.modules[entered.__module__], first))
    assert fingerprint(entered) == fingerprint(alone)


def test_a_file_that_was_changed_after_its_import_is_refused(load):
    root = load("def root(x):\n    return 1\n")
    file = Path(root.__code__.co_filename)
    file.write_text("def root(x):\n    return 2\n")
    with pytest.raises(Unfingerprintable, match=r"changed since it was imported.*Start Python anew"):
        fingerprint(root)


def test_a_function_is_found_among_lines_that_look_like_its_end(load):
    odd = 'class A:\n    @property\n    def f(\n        self,\n    ):\n        t = """\nx = {}\n    def g():\n"""\n        return (\n1, t)\n    y = 1\nroot = A'
    assert fingerprint(load(odd.format(1))) == fingerprint(load(odd.format(1))) != fingerprint(load(odd.format(2)))


def test_parts_say_what_has_changed(load):
    source = "{}\nC = {}\ndef h(): return C\ndef g(): return 1\ndef root(x): return h() + g()"
    one, other, third = (load(source.format("", n)) for n in (1, 2, 1))
    names = [root.__module__ for root in (one, other, third)]
    found = [
        {name.removeprefix(home): part for name, part in parts(root).items()}
        for root, home in zip((one, other, third), names, strict=True)
    ]
    assert set(found[0]) == {".root", ".h", ".g"} | {name for name in found[0] if name.startswith("builtins")}
    assert changed(found[0], found[1]) == [".h"]
    assert changed(found[0], found[2]) == []
    assert changed({"a": "1", "b": "2"}, {"b": "2", "c": "3"}) == ["a", "c"]

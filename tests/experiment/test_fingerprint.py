"""A fingerprint changes with all that makes numbers, with nothing else, and is the same in every process."""

import ast
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import theorychecks as tc
from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.experiment.fingerprint import Unfingerprintable, changed, fingerprint, parts
from theorychecks.experiment.quantity import Quantity, QuantityFamily
from theorychecks.observables.observable import Observable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import a source as a module of its own, and give its `root`."""
    count = iter(range(1000))

    def loaded(source, **files):
        place = tmp_path / f"place{next(count)}"
        place.mkdir()
        name = f"loaded_{place.name}"
        monkeypatch.syspath_prepend(place)
        for other, text in files.items():
            (place / f"{other}.py").write_text(textwrap.dedent(text))
            monkeypatch.delitem(sys.modules, other, raising=False)
        (place / f"{name}.py").write_text(textwrap.dedent(source))
        spec = importlib.util.spec_from_file_location(name, place / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module.root

    return loaded


# What makes numbers: a source, and one in which something of it is another.
CHANGES = {
    "a constant in a function": ("def root(x): return 2 * x", "def root(x): return 3 * x"),
    "an operation": ("def root(x): return 2 * x", "def root(x): return 2 + x"),
    "a kind of number": ("def root(x): return 2 * x", "def root(x): return 2.0 * x"),
    "a truth value": ("def root(x): return True", "def root(x): return 1"),
    "a text": ("def root(x): return x['a']", "def root(x): return x['b']"),
    "order of arguments": ("def root(x, y): return x - y", "def root(y, x): return x - y"),
    "a default": ("def root(x, y=1): return x * y", "def root(x, y=2): return x * y"),
    "a default by keyword": ("def root(x, *, y=1): return x * y", "def root(x, *, y=2): return x * y"),
    "a default in a list": ("def root(x, y=[1]): return y", "def root(x, y=[2]): return y"),
    "a helper": ("def h(x): return x\ndef root(x): return h(x)", "def h(x): return -x\ndef root(x): return h(x)"),
    "a helper's helper": (
        "def g(x): return x\ndef h(x): return g(x)\ndef root(x): return h(x)",
        "def g(x): return -x\ndef h(x): return g(x)\ndef root(x): return h(x)",
    ),
    "a helper of a comprehension": (
        "def h(x): return x\ndef root(x): return [h(y) for y in x]",
        "def h(x): return -x\ndef root(x): return [h(y) for y in x]",
    ),
    "a global that a comprehension iterates, and its variable hides": (
        "x = (1, 2)\ndef root(y): return [x for x in x]",
        "x = (1, 3)\ndef root(y): return [x for x in x]",
    ),
    "a global that an inner function's argument hides": (
        "x = 1\ndef root(y): return (lambda x: x)(y) + x",
        "x = 2\ndef root(y): return (lambda x: x)(y) + x",
    ),
    "a global that a class inside binds anew": (
        "x = 1\ndef root(y):\n    class A:\n        x = x\n    return A.x",
        "x = 2\ndef root(y):\n    class A:\n        x = x\n    return A.x",
    ),
    "a global that is written": (
        "c = 1\ndef root(y):\n    global c\n    c += y\n    return c",
        "c = 2\ndef root(y):\n    global c\n    c += y\n    return c",
    ),
    "a helper in a decorator inside": (
        "def d(f): return f\ndef root(x):\n    @d\n    def g(): return x\n    return g()",
        "def d(f): return lambda: 0\ndef root(x):\n    @d\n    def g(): return x\n    return g()",
    ),
    "a helper in a default inside": (
        "N = 1\ndef root(x):\n    def g(n=N): return n\n    return g()",
        "N = 2\ndef root(x):\n    def g(n=N): return n\n    return g()",
    ),
    "a constant of the module": ("C = 0.5\ndef root(x): return C * x", "C = 0.25\ndef root(x): return C * x"),
    "a sign of zero": ("C = 0.0\ndef root(x): return C", "C = -0.0\ndef root(x): return C"),
    "a constant by a constant": ("B = 1\nC = B + 1\ndef root(x): return C", "B = 2\nC = B + 1\ndef root(x): return C"),
    "a dictionary": ("T = {'a': 1}\ndef root(x): return T[x]", "T = {'a': 2}\ndef root(x): return T[x]"),
    "the order of a dictionary": ("T = {1: 1, 2: 2}\ndef root(x): return T", "T = {2: 2, 1: 1}\ndef root(x): return T"),
    "a function in a dictionary": (
        "def h(x): return x\nT = {'a': h}\ndef root(x): return T[x]",
        "def h(x): return -x\nT = {'a': h}\ndef root(x): return T[x]",
    ),
    "a closure": (
        "def make(n):\n    def f(x): return n * x\n    return f\nroot = make(1)",
        "def make(n):\n    def f(x): return n * x\n    return f\nroot = make(2)",
    ),
    "a function in a closure": (
        "def h(x): return x\ndef make(g):\n    def f(x): return g(x)\n    return f\nroot = make(h)",
        "def h(x): return -x\ndef make(g):\n    def f(x): return g(x)\n    return f\nroot = make(h)",
    ),
    "an array": (
        "import numpy as np\nA = np.array([1.0, 2.0])\ndef root(x): return A",
        "import numpy as np\nA = np.array([1.0, 3.0])\ndef root(x): return A",
    ),
    "a tensor": (
        "import torch\nA = torch.tensor([1.0, 2.0])\ndef root(x): return A",
        "import torch\nA = torch.tensor([1.0, 3.0])\ndef root(x): return A",
    ),
    "a function of another distribution": (
        "import numpy as np\ndef root(x): return np.sin(x)",
        "import numpy as np\ndef root(x): return np.cos(x)",
    ),
    "the distribution": (
        "from numpy import sqrt\ndef root(x): return sqrt(x)",
        "from math import sqrt\ndef root(x): return sqrt(x)",
    ),
    "an alias": (
        "import numpy.linalg as m\ndef root(x): return m.solve",
        "import scipy.linalg as m\ndef root(x): return m.solve",
    ),
    "a function of another distribution by its name": (
        "from scipy.special import erf as f\ndef root(x): return f(x)",
        "from scipy.special import erfc as f\ndef root(x): return f(x)",
    ),
    "an object of another distribution": (
        "from scipy.stats import norm as law\ndef root(x): return law.cdf(x)",
        "from scipy.stats import laplace as law\ndef root(x): return law.cdf(x)",
    ),
    "a partial function": (
        "from functools import partial\ndef h(x, n): return n\nroot = partial(h, n=1)",
        "from functools import partial\ndef h(x, n): return n\nroot = partial(h, n=2)",
    ),
    "the function of a partial one": (
        "from functools import partial\ndef h(x, n): return n\nroot = partial(h, n=1)",
        "from functools import partial\ndef h(x, n): return -n\nroot = partial(h, n=1)",
    ),
    "what a decorator wraps": (
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def g(*a): return f(*a)\n    return g\n@d\ndef root(x): return x",
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def g(*a): return f(*a)\n    return g\n@d\ndef root(x): return -x",
    ),
    "a decorator": (
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def g(*a): return f(*a)\n    return g\n@d\ndef root(x): return x",
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def g(*a): return -f(*a)\n    return g\n@d\ndef root(x): return x",
    ),
    "a cached function": (
        "from functools import lru_cache\n@lru_cache\ndef h(): return 1\ndef root(x): return h()",
        "from functools import lru_cache\n@lru_cache\ndef h(): return 2\ndef root(x): return h()",
    ),
    "a function under no_grad": (
        "import torch\n@torch.no_grad()\ndef root(x): return x",
        "import torch\n@torch.no_grad()\ndef root(x): return -x",
    ),
    "the mode of gradients": (
        "import torch\n@torch.no_grad()\ndef root(x): return x",
        "import torch\n@torch.enable_grad()\ndef root(x): return x",
    ),
    "a context manager": (
        "from contextlib import contextmanager\n@contextmanager\ndef h(): yield 1\ndef root(x):\n    with h() as y: return y",
        "from contextlib import contextmanager\n@contextmanager\ndef h(): yield 2\ndef root(x):\n    with h() as y: return y",
    ),
    "a function for a type": (
        "from functools import singledispatch\n@singledispatch\ndef root(x): return 0\n@root.register\ndef _(x: int): return 1",
        "from functools import singledispatch\n@singledispatch\ndef root(x): return 0\n@root.register\ndef _(x: int): return 2",
    ),
    "an attribute of a function": ("def root(x): return root.n\nroot.n = 1", "def root(x): return root.n\nroot.n = 2"),
    "a lambda": ("root = lambda x: x", "root = lambda x: -x"),
    "one of two lambdas on a line": ("_, root = lambda x: 1, lambda x: 2", "_, root = lambda x: 1, lambda x: 3"),
    "a lambda inside of a lambda": ("root = (lambda y: lambda x: x + 1)(0)", "root = (lambda y: lambda x: x + 2)(0)"),
    "a recursive function": (
        "def root(n): return 1 if n < 1 else n * root(n - 1)",
        "def root(n): return 1 if n < 1 else n + root(n - 1)",
    ),
    "one of two functions that call each other": (
        "def h(n): return root(n - 1)\ndef root(n): return n and h(n)",
        "def h(n): return root(n - 2)\ndef root(n): return n and h(n)",
    ),
    "a function far around a circle": (
        "def a(n): return b(n)\ndef b(n): return c(n)\ndef c(n): return d(n)\ndef d(n): return root(n)\ndef root(n): return a(n)",
        "def a(n): return b(n)\ndef b(n): return c(n)\ndef c(n): return d(n)\ndef d(n): return root(n + 1)\ndef root(n): return a(n)",
    ),
    "a method": ("class root:\n    def f(self): return 1", "class root:\n    def f(self): return 2"),
    "a static method": (
        "class root:\n    @staticmethod\n    def f(): return 1",
        "class root:\n    @staticmethod\n    def f(): return 2",
    ),
    "a class method": (
        "class root:\n    @classmethod\n    def f(cls): return 1",
        "class root:\n    @classmethod\n    def f(cls): return 2",
    ),
    "that a method is static": (
        "class root:\n    @classmethod\n    def f(cls): return 1",
        "class root:\n    @staticmethod\n    def f(cls): return 1",
    ),
    "a property": (
        "class root:\n    @property\n    def f(self): return 1",
        "class root:\n    @property\n    def f(self): return 2",
    ),
    "a property computed once": (
        "from functools import cached_property\nclass root:\n    @cached_property\n    def f(self): return 1",
        "from functools import cached_property\nclass root:\n    @cached_property\n    def f(self): return 2",
    ),
    "an attribute of a class": ("class root:\n    n = 1", "class root:\n    n = 2"),
    "a base": (
        "class B:\n    def f(self): return 1\nclass root(B): pass",
        "class B:\n    def f(self): return 2\nclass root(B): pass",
    ),
    "a class that is made": (
        "class A:\n    n = 1\ndef root(x): return A()",
        "class A:\n    n = 2\ndef root(x): return A()",
    ),
    "a class inside of a function": (
        "def make():\n    class A:\n        n = 1\n    return A\nroot = make()",
        "def make():\n    class A:\n        n = 2\n    return A\nroot = make()",
    ),
    "a class inside of a class": (
        "class root:\n    class A:\n        n = 1",
        "class root:\n    class A:\n        n = 2",
    ),
    "a base's method by super": (
        "class B:\n    def f(self): return 1\nclass A(B):\n    def f(self): return super().f()\nroot = A()",
        "class B:\n    def f(self): return 2\nclass A(B):\n    def f(self): return super().f()\nroot = A()",
    ),
    "a metaclass": (
        "class M(type):\n    n = 1\nclass root(metaclass=M): pass",
        "class M(type):\n    n = 2\nclass root(metaclass=M): pass",
    ),
    "a bound method's object": (
        "class A:\n    def __init__(self, n): self.n = n\n    def f(self): return self.n\nroot = A(1).f",
        "class A:\n    def __init__(self, n): self.n = n\n    def f(self): return self.n\nroot = A(2).f",
    ),
    "a callable object": (
        "class A:\n    def __call__(self): return 1\nroot = A()",
        "class A:\n    def __call__(self): return 2\nroot = A()",
    ),
    "a slot": (
        "class A:\n    __slots__ = 'n'\n    def __init__(self, n): self.n = n\nroot = A(1)",
        "class A:\n    __slots__ = 'n'\n    def __init__(self, n): self.n = n\nroot = A(2)",
    ),
    "an element of a list of one's own": ("class A(list): pass\nroot = A([1])", "class A(list): pass\nroot = A([2])"),
    "a field": (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n    n: int\nroot = A(1)",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n    n: int\nroot = A(2)",
    ),
    "a field's default": (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass root:\n    n: int = 1",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass root:\n    n: int = 2",
    ),
    "what makes a field's default": (
        "from dataclasses import dataclass, field\ndef h(): return 1\n@dataclass\nclass root:\n    n: int = field(default_factory=h)",
        "from dataclasses import dataclass, field\ndef h(): return 2\n@dataclass\nclass root:\n    n: int = field(default_factory=h)",
    ),
    "order of fields": (
        "from dataclasses import dataclass\n@dataclass\nclass root:\n    n: int\n    m: int",
        "from dataclasses import dataclass\n@dataclass\nclass root:\n    m: int\n    n: int",
    ),
    "whether an annotation makes a field": (
        "from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass\nclass root:\n    n: int = 1",
        "from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass\nclass root:\n    n: ClassVar[int] = 1",
    ),
    "a field that is not compared": (
        "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    n: int = field(compare=False)\nroot = A(1)",
        "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    n: int = field(compare=False)\nroot = A(2)",
    ),
    "a field of a named tuple": (
        "from typing import NamedTuple\nclass A(NamedTuple):\n    n: int = 0\nroot = A(1)",
        "from typing import NamedTuple\nclass A(NamedTuple):\n    n: int = 0\nroot = A(2)",
    ),
    "a method of a named tuple": (
        "from typing import NamedTuple\nclass A(NamedTuple):\n    n: int = 0\n    def f(self): return 1\nroot = A(1)",
        "from typing import NamedTuple\nclass A(NamedTuple):\n    n: int = 0\n    def f(self): return 2\nroot = A(1)",
    ),
    "a member": (
        "import enum\nclass A(enum.Enum):\n    a = 1\n    b = 2\nroot = A.a",
        "import enum\nclass A(enum.Enum):\n    a = 1\n    b = 2\nroot = A.b",
    ),
    "a member's value": (
        "import enum\nclass A(enum.Enum):\n    a = 1\nroot = A.a",
        "import enum\nclass A(enum.Enum):\n    a = 2\nroot = A.a",
    ),
    "an enumeration's method": (
        "import enum\nclass A(enum.IntEnum):\n    a = 1\n    def f(self): return 1\nroot = A.a",
        "import enum\nclass A(enum.IntEnum):\n    a = 1\n    def f(self): return 2\nroot = A.a",
    ),
    "a module of torch": (
        "from torch import nn\nclass A(nn.Module):\n    def forward(self, x): return x\nroot = A()",
        "from torch import nn\nclass A(nn.Module):\n    def forward(self, x): return -x\nroot = A()",
    ),
    "a weight": (
        "import torch\nroot = torch.nn.Linear(1, 1)\ntorch.nn.init.ones_(root.weight); torch.nn.init.ones_(root.bias)",
        "import torch\nroot = torch.nn.Linear(1, 1)\ntorch.nn.init.zeros_(root.weight); torch.nn.init.ones_(root.bias)",
    ),
    "a plain attribute of a module": (
        "from torch import nn\nroot = nn.Dropout(0.1)",
        "from torch import nn\nroot = nn.Dropout(0.2)",
    ),
    "a hook": (
        "from torch import nn\nroot = nn.ReLU()\nroot.register_forward_hook(lambda m, i, o: o)",
        "from torch import nn\nroot = nn.ReLU()\nroot.register_forward_hook(lambda m, i, o: -o)",
    ),
    "an observable's function": (
        "import theorychecks as tc\n@tc.observable\ndef root(run, *, n=1): return run.losses[-1]",
        "import theorychecks as tc\n@tc.observable\ndef root(run, *, n=1): return run.losses[0]",
    ),
    "an observable's option": (
        "import theorychecks as tc\n@tc.observable\ndef f(run, *, n=1): return run.losses[n]\nroot = f(n=2)",
        "import theorychecks as tc\n@tc.observable\ndef f(run, *, n=1): return run.losses[n]\nroot = f(n=3)",
    ),
    "a quantity's function": (
        "import theorychecks as tc\n@tc.quantity(along='x')\ndef root(x, draw): return x",
        "import theorychecks as tc\n@tc.quantity(along='x')\ndef root(x, draw): return -x",
    ),
    "a quantity's keyword": (
        "import theorychecks as tc\n@tc.quantity(along='x')\ndef f(x, draw, *, n): return n\nroot = f(n=1)",
        "import theorychecks as tc\n@tc.quantity(along='x')\ndef f(x, draw, *, n): return n\nroot = f(n=2)",
    ),
    "an exec'd function": (
        "space = {}\nexec('def f(x): return 1', space)\nroot = space['f']",
        "space = {}\nexec('def f(x): return 2', space)\nroot = space['f']",
    ),
    "a global of an exec'd function": (
        "space = {'n': 1}\nexec('def f(x): return n', space)\nroot = space['f']",
        "space = {'n': 2}\nexec('def f(x): return n', space)\nroot = space['f']",
    ),
    "a function behind a pattern": (
        "def h(): return 1\ndef root(x):\n    match x:\n        case [y, *z] if h(): return y",
        "def h(): return 2\ndef root(x):\n    match x:\n        case [y, *z] if h(): return y",
    ),
    "a name that was bound by a walrus in a comprehension": (
        "n = 1\ndef h(): return n\ndef root(x): return [m for y in x if (m := y)] + [h()]",
        "n = 2\ndef h(): return n\ndef root(x): return [m for y in x if (m := y)] + [h()]",
    ),
}

# What makes none: a source, and one that differs in nothing that matters.
STAYS = {
    "a docstring": (
        'def root(x):\n    "One."\n    return x',
        'def root(x):\n    """Another\n\n    one."""\n    return x',
    ),
    "no docstring": ('def root(x):\n    "One."\n    return x', "def root(x): return x"),
    "a comment": ("def root(x):\n    return x  # one", "def root(x):\n    # another\n    return x"),
    "formatting": ("def root(x): return 1_000 * (x + 'a')", 'def root(\n    x,\n):\n    return 1000*((x) + "a")'),
    "lines": ("def root(x): return x", "import math\n\n\n\ndef root(x): return x"),
    "an annotation": ("def root(x): return x", "def root(x: int) -> 'float': return x"),
    "an annotation of a variable": (
        "def root(x):\n    y = x\n    return y",
        "def root(x):\n    z: int\n    y: float = x\n    return y",
    ),
    "a class in an annotation": (
        "class A: n = 1\ndef root(x: A): return x",
        "class A: n = 2\ndef root(x: A): return x",
    ),
    "code that is not reached": (
        "def h(): return 1\ndef root(x): return x",
        "def h(): return 2\ndef root(x): return x",
    ),
    "a global that a variable hides": (
        "y = 1\ndef root(x):\n    y = x\n    return y",
        "y = 2\ndef root(x):\n    y = x\n    return y",
    ),
    "a global that an argument hides": ("x = 1\ndef root(x): return x", "x = 2\ndef root(x): return x"),
    "a global that a comprehension's variable hides": (
        "y = 1\ndef root(x): return [y for y in x]",
        "y = 2\ndef root(x): return [y for y in x]",
    ),
    "a global that is called like an attribute": ("y = 1\ndef root(x): return x.y", "y = 2\ndef root(x): return x.y"),
    "a method's docstring": (
        'class root:\n    "One."\n    def f(self):\n        "Two."\n        return 1',
        "class root:\n    def f(self): return 1",
    ),
    "a docstring of an attribute": ("class root:\n    n = 1", 'class root:\n    n = 1\n    "Why it is one."'),
    "a docstring of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass root:\n    n: int",
        'from dataclasses import dataclass\n@dataclass\nclass root:\n    "One field."\n    n: int',
    ),
    "order of methods": (
        "class root:\n    def f(self): return 1\n    def g(self): return 2",
        "class root:\n    def g(self): return 2\n    def f(self): return 1",
    ),
    "a name for another distribution": ("import numpy as np\nroot = np.exp", "from numpy import exp\nroot = exp"),
    "what reports call a quantity": (
        "import theorychecks as tc\n@tc.quantity(along='x', name='one')\ndef root(x, draw): return x",
        "import theorychecks as tc\n@tc.quantity(along='x', name='another', cost=2)\ndef root(x, draw): return x",
    ),
    "which of two equal objects is shared": (
        "a = [1, 2]\nroot = [a, a]",
        "root = [[1, 2], [1, 2]]",
    ),
    "order in a set": ("root = {'a', 'b', 'c', 'd'}", "root = {'d', 'c', 'b', 'a'}"),
    "the name of an exec'd function's documentation": (
        "space = {}\nexec('def f(x):\\n    \"One.\"\\n    return x', space)\nroot = space['f']",
        "space = {}\nexec('def f(x):\\n    \"Two.\"\\n    return x', space)\nroot = space['f']",
    ),
    "how often a cache was asked": (
        "from functools import lru_cache\n@lru_cache\ndef root(): return 1",
        "from functools import lru_cache\n@lru_cache\ndef root(): return 1\nroot()",
    ),
    "whether a property was computed": (
        "from functools import cached_property\nclass A:\n    @cached_property\n    def f(self): return 1\nroot = A()",
        "from functools import cached_property\nclass A:\n    @cached_property\n    def f(self): return 1\nroot = A()\nroot.f",
    ),
}


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
    "a lock": ("import threading\nL = threading.Lock()\ndef root(x): return L", "{}.root, `L`", "no state"),
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


def test_a_file_that_was_changed_after_its_import_is_refused(load):
    root = load("def root(x):\n    return 1\n")
    file = Path(root.__code__.co_filename)
    file.write_text("def root(x):\n    return 2\n")
    with pytest.raises(Unfingerprintable, match=r"changed since it was imported.*Start Python anew"):
        fingerprint(root)


def test_a_function_is_found_among_lines_that_look_like_its_end(load):
    odd = 'class A:\n    @property\n    def f(\n        self,\n    ):\n        t = """\nx = {}\n    def g():\n"""\n        return (\n1, t)\n    y = 1\nroot = A'
    assert fingerprint(load(odd.format(1))) == fingerprint(load(odd.format(1))) != fingerprint(load(odd.format(2)))


IN_ANOTHER_PROCESS = """
import sys
if {reverse}:
    import theorychecks.kernels
    import theorychecks.engines.matrix_free
import theorychecks as tc
from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.experiment.fingerprint import fingerprint
from own import root
training = tc.Training(tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.3), data=tc.Digits(), loss=tc.MSE, steps=4)
print(fingerprint(tc.WeightChange(), training, dense, DeferredRun, root, {{"a", "b", "c"}}))
"""
OWN = """
import torch, numpy as np
from torch import nn
import theorychecks as tc
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(4, width)
    def forward(self, x): return self.first(x)
SET = {"x", "y", "z"}
@tc.quantity(along="width")
def q(width, draw, *, kind="a"): return SET
root = tc.Model(Net, lambda m: torch.optim.SGD(m.parameters(), lr=0.1), [(torch.zeros(2, 4), torch.zeros(2, 4))], loss=nn.MSELoss()), q(kind="b")
"""


def test_it_is_the_same_in_every_process(tmp_path):
    found = []
    for seed in (1, 2):
        place = tmp_path / f"place{seed}"
        place.mkdir()
        (place / "own.py").write_text(OWN)
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": f"{place}{os.pathsep}{ROOT}"}
        program = IN_ANOTHER_PROCESS.format(reverse=seed == 2)
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=place, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    assert len(found[0].strip()) == 64
    assert found[0] == found[1]


DATA = tc.GaussianMixture(dimension=4, classes=2, samples=8)


def own_error(width, draw, *, power=1):
    return [draw.rng(seed).standard_normal() / width**power for seed in draw.seeds]


def test_a_quantity_reaches_what_it_uses_and_no_more():
    quantity = tc.quantity(along="width")(own_error)
    name = f"{own_error.__module__}.own_error"
    assert set(parts(own_error)) == {name}
    assert [part for part in parts(quantity(power=2)) if part.startswith("theorychecks")] == [
        "theorychecks.experiment.quantity.Quantity"
    ]


def test_a_cell_of_a_sweep_reaches_no_judging():
    training = tc.Training(tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.3), data=DATA, loss=tc.MSE, steps=4)
    found = parts(tc.WeightChange(), training, DeferredRun, dense.train)
    homes = {name.rsplit(".", 1)[0] for name in found if name.startswith("theorychecks.")}
    layers = {home.split(".")[1] for home in homes}
    assert layers == {"arguments", "engines", "networks", "observables", "statistics"}
    assert {".".join(home.split(".")[:3]) for home in homes if "statistics" in home} == {
        "theorychecks.statistics.parts",
        "theorychecks.statistics.statuses",
    }
    assert "theorychecks.engines.dense.DenseMatrix.forward" in found


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


def things_in(module):
    """What the module of claims measures, as far as it stands in the module itself."""
    kinds = (Observable, tc.Training, tc.Model, Quantity, QuantityFamily)
    found, todo = {}, list(vars(module).items())
    while todo:
        where, thing = todo.pop()
        if isinstance(thing, kinds):
            found[f"{module.__name__}.{where}"] = thing
        elif type(thing) in (tuple, list):
            todo += [(f"{where}[{place}]", each) for place, each in enumerate(thing)]
        elif type(thing) is dict:
            todo += [(f"{where}[{place}]", each) for place, pair in enumerate(thing.items()) for each in pair]
        elif callable(thing) and getattr(thing, "__module__", "").startswith("properties.subjects"):
            found[f"{module.__name__}.{where}"] = thing
    return found


def test_what_the_claims_of_this_repository_measure_has_a_fingerprint():
    files = [path for path in (ROOT / "properties").rglob("*.py") if path.name != "__init__.py"]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    things = {where: thing for name in names for where, thing in things_in(importlib.import_module(name)).items()}
    assert len(things) > 150
    kinds = {
        kind for kind in (Observable, tc.Model, QuantityFamily) for thing in things.values() if isinstance(thing, kind)
    }
    assert len(kinds) == 3
    judging = (
        "theorychecks.judging",
        "theorychecks.claims",
        "theorychecks.reporting",
        "theorychecks.plugin",
        "theorychecks.statistics.prediction",
    )
    for thing in things.values():
        assert len(fingerprint(thing)) == 64
    families = [thing for thing in things.values() if isinstance(thing, QuantityFamily)]
    assert [name for family in families[::8] for name in parts(family) if name.startswith(judging)] == []


TRAININGS = [
    tc.Training(tc.MLP(depth, activation, parametrization), learning_rate=tc.scaled(0.3), data=data, loss=loss, steps=4, optimizer=optimizer, **more)
    for depth, activation, parametrization, data, loss, optimizer, more in [
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {}),
        (3, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.RELU, tc.NTK, DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.STANDARD, DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK.altered("output", init=0.5), DATA, tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, tc.Digits(), tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, replace(DATA, seed=1), tc.MSE, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, DATA, tc.CROSS_ENTROPY, tc.SGD(), {}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(momentum=0.5), {}),
        (2, tc.TANH, tc.STANDARD, DATA, tc.MSE, tc.Adam(), {}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {"dtype": "float64"}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {"batch_size": 4}),
        (2, tc.TANH, tc.NTK, DATA, tc.MSE, tc.SGD(), {"ridge": tc.Ridge(strength=0.1)}),
    ]
]  # fmt: skip


def test_trainings_are_told_apart():
    assert len({fingerprint(training) for training in TRAININGS}) == len(TRAININGS)
    assert fingerprint(TRAININGS[0]) == fingerprint(replace(TRAININGS[0], steps=4))


IN_CHANGED_PACKAGES = """
import json, sys
found = {}
for place in sys.argv[1:]:
    sys.path.insert(0, place)
    for name in [name for name in sys.modules if name.partition(".")[0] == "theorychecks"]:
        del sys.modules[name]
    import theorychecks as tc
    from theorychecks.engines import dense, matrix_free
    from theorychecks.experiment.fingerprint import fingerprint
    from theorychecks.observables.outputs import OutputSize
    assert tc.__file__.startswith(place)
    training = tc.Training(tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.3), data=tc.Digits(), loss=tc.MSE, steps=4)
    cells = {
        "dense": (tc.WeightChange(), training, dense.train),
        "matrix_free": (tc.WeightChange(), training, matrix_free.train),
        "outputs": (OutputSize(), training, dense.train),
        "number": (tc.quantity(along="x")(lambda x, draw: x),),
    }
    found[place] = {name: fingerprint(*roots) for name, roots in cells.items()}
print(json.dumps(list(found.values())))
"""


class Mutation(ast.NodeTransformer):
    """Every function of a name, or every one at all, does something more."""

    def __init__(self, name):
        self.name = name

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        if node.name == self.name or not self.name:
            node.body.append(ast.parse("changed = 1").body[0])
        return node


def test_a_change_of_the_package_changes_cells_that_depend_on_it(tmp_path):
    judging = "statistics/prediction.py statistics/exponent_verdict.py statistics/interval.py judging.py finding.py"
    everything = [*judging.split(), *(f"{folder}/*.py" for folder in ("claims", "reporting", "plugin", "gates"))]
    mutations = [
        ([], "", set()),
        (["engines/dense.py"], "forward", {"dense", "outputs"}),
        (["engines/matrix_free.py"], "", {"matrix_free"}),
        (["engines/trained.py"], "weight_change_norm", {"dense", "matrix_free", "outputs"}),
        (["observables/weights.py"], "matrices", {"dense", "matrix_free"}),
        (["networks/losses.py"], "_squared", {"dense", "matrix_free", "outputs"}),
        (everything, "", set()),
    ]
    places = []
    for number, (patterns, name, _) in enumerate(mutations):
        place = tmp_path / f"place{number}"
        shutil.copytree(ROOT / "theorychecks", place / "theorychecks", ignore=shutil.ignore_patterns("__pycache__"))
        files = [file for pattern in patterns for file in (place / "theorychecks").glob(pattern)]
        for file in files:
            before = ast.parse(file.read_text())
            file.write_text(ast.unparse(Mutation(name).visit(before)))
        assert bool(files) == bool(patterns)
        places.append(str(place))
    environment = os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", IN_CHANGED_PACKAGES, *places],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)
    for cells, (patterns, _, changes) in zip(others, mutations[1:], strict=True):
        assert {name for name in first if cells[name] != first[name]} == changes, patterns

"""Pairs of sources that make other numbers, and pairs that make the same, for fingerprints."""

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
    "a lock that is held": tuple(
        f"import threading\nL = [threading.{kind}()]\n{held}\ndef root(x):\n    with L[0]: return x"
        for kind, held in (("Lock", ""), ("RLock", "L[0].acquire()"))
    ),
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

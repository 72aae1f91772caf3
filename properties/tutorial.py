"""The tutorial on lazy and feature learning, whose sentences are claimed in several files."""

import theorychecks as tc

TUTORIAL = tc.Paper(
    title="Lazy vs feature learning (a tutorial of 2026)",
    seen="whole, in a copy that has lost its formulas",
    undecided={
        "The theory of feature learning is much harder than that of the tangent kernel": "no statement about networks",
        "In vision features are edge detectors, in language syntactic structures": "networks that learn either are out "
        "of reach",
        "Most real problems have a structure that features can find": "a statement about the world; claims about the "
        "separation are about targets whose structure is known",
        "The tangent kernel at initialisation often is a useful lower bound on performance": "how often is a matter of "
        "which targets are asked; claimed of two structured ones, with a counter-example",
    },
    doubtful={
        "In the lazy regime the network learns the output-layer combination only, which is regression with the tangent "
        "kernel": "these are two things: a trained readout alone is regression with the NNGP (exercise), while the "
        "tangent kernel has a part of every layer; the first layer alone gives another kernel (exercise/first layer)",
        "The gradient of a parameter, and a layer's relative change, have one power of the width": "gradient entries "
        "are n^-1/2 in the input and hidden matrices and of order one in the readout, and under NTK "
        "parametrization 1/n in hidden ones (E4); relative changes are n^-3/2, 1/n and n^-1/2 (LZ-1/standard): "
        "n^-1/2 is a bound over all layers, throughout training (LZ-1/convergence)",
        "Standard parametrization with a large learning rate learns features": "on cross-entropy, at rate n^-1/2, and "
        "then in all hidden layers but the first, whose features move by 1/n (H6+H7); on the squared error two steps "
        "multiply features by n^1/2, and training diverges (LZ-11/longer)",
        "On unstructured problems kernel methods and feature learning perform comparably": "within a quarter where "
        "both learn little, as of random harmonics of degree 3 (NTK/unstructured); of degree 2 in 16 dimensions, "
        "which both learn to a few per cent, a network's best test error is 1.7 to 1.9 times its kernel's (NTK/lower "
        "bound)",
        "Which regime it is, is controlled by two knobs, width and learning rate": "an output scale makes a network of "
        "any width lazy (LZ-4, LZ-6), and so does the parametrization, as the text says itself",
    },
)

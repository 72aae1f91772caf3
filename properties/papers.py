"""Papers, the tutorial among them, whose claims stand in several files: what is undecided and what doubtful of each."""

import theorychecks as tc

LARGE_RATES = tc.Paper(
    title="On the Surprising Effectiveness of Large Learning Rates under Standard Width Scaling",
    arxiv="2505.22491",
    seen="abstracts of both versions, the authors' README, code and thread",
    undecided={
        "in practice optimal learning rates exceed those that are predicted to be stable, and fall for example as "
        "n^-1/2": "in a perceptron on digits best rates of a pass by cross-entropy exceed those by MSE, which fall as "
        "1/n, by a factor that grows with the width (H21); they have no one exponent: at width 2,048 they have fallen "
        "by less than n^-1/2 since 64, and local exponents go from 0 to -0.7 at 2,048 and 4,096; "
        "between widths 32 and 512 they fall as n^-0.80 [-1.07, -0.59] in a decoder and n^-0.93 [-1.21, -0.72] in a "
        "convolutional network, of which the ratio to MSE's best rates is open (H21/models), and under Adam the "
        "exponent (H21/Adam)",
        "the limit closely matches optimally tuned finite networks": "networks at one rate that falls as n^-1/2 come "
        "closer to it (H8); their rates were not tuned width by width",
        "gradients stay bounded through training": "what hidden matrices are sent back after fifty steps, in units of "
        "n^-1/2, has between widths 256 and 4,096 exponents of 0.05 to 0.08 with tanh at the edge, with zero in each "
        "interval, and of 0.20 [0.13, 0.26] with two hidden layers of ReLU at rate n^-3/4, where local ones rise to "
        "0.26 (readings in the evidence of H2/controlled); a bound is neither supported nor explained away",
        "under maximal update MSE even seems to have an edge at scale": "not seen: at widths 64, 181 and 512 median "
        "ratios of its test error to that of cross-entropy are 1.06, 1.06 and 1.03 on one mixture, and 0.86, 0.95 and "
        "1.00 on another (H13/parity)",
    },
    doubtful={
        "at the edge features continue to evolve in all the hidden layers": "read literally, not in the first: those "
        "of the input matrix move by n^-1, all others by a constant (H6+H7, H7/fifty steps)",
        "at the edge there is a well-defined infinite-width limit": "it is a random one unless the initial function is "
        "zero: two networks do not approach each other otherwise (a control of H8)",
        "outputs diverge, saturating to one-hot": "true of the first steps; for how long is not said, 'throughout "
        "training' stands with what stays stable: after fifty steps with a quarter of labels drawn anew outputs of "
        "tanh networks still grow by a power above 0.2, those of ReLU networks by at most that (H2/desaturation)",
        "the regime does not exist under MSE": "true of gradient descent; under Adam, whose steps know no outputs, it "
        "does (H18/Adam)",
        "trainable gains of normalisation layers enable larger rates under Adam (public notes)": "normalisation does, "
        "whether its gains are trained or not (H17)",
    },
)

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
        "parametrization 1/n in hidden ones (E4); relative changes are in Frobenius norm n^-3/2, 1/n and n^-1/2, "
        "and a hidden matrix's in spectral norm n^-1/2 (LZ-1/standard): n^-1/2 is a bound over all layers, throughout "
        "training (LZ-1/convergence)",
        "Standard parametrization with a large learning rate learns features": "on cross-entropy, at rate n^-1/2, and "
        "then in all hidden layers but the first, whose features move by 1/n (H6+H7); on the squared error two steps "
        "move features by n^1/2 of their size or more (LZ-11/longer), far above the largest stable rate (H1)",
        "On unstructured problems kernel methods and feature learning perform comparably": "within a quarter on random "
        "harmonics of degree 3 and of degrees 2 and 3, of which both leave a third or more (NTK/unstructured); of "
        "degree 2 in 16 dimensions, which both learn to a few per cent, a network's best test error is 1.7 to 1.9 "
        "times its kernel's (NTK/lower bound)",
        "It is the ratio of learning rate to width that matters": "it is the product, under standard parametrization: "
        "the loss that four steps leave by MSE is a function of the rate times the width, and not of the rate alone "
        "nor of this ratio, and how far features move in a step by cross-entropy is one of the rate times n^1/2 "
        "(LZ-12); it would be true of the ratio of the rate to 1/n, the largest stable one by MSE",
        "Which regime it is, is controlled by two knobs, width and learning rate": "an output scale makes a network "
        "whose initial function is zero lazy at a fixed width (LZ-4, LZ-6), and so does the parametrization, as the "
        "text says itself",
    },
)

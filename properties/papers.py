"""Papers whose claims stand in several files, with what is undecided and what looks doubtful of each."""

import theorychecks as tc

LARGE_RATES = tc.Paper(
    title="On the Surprising Effectiveness of Large Learning Rates under Standard Width Scaling",
    arxiv="2505.22491",
    seen="abstracts of both versions, the authors' README, code and thread",
    undecided={
        "the limit closely matches optimally tuned finite networks": "networks at one rate that falls as n^-1/2 come "
        "closer to it (H8); their rates were not tuned width by width",
        "gradients stay bounded through training": "what hidden matrices are sent back after fifty steps, in units of "
        "n^-1/2, grows between widths 256 and 4,096: as n^0.06 and n^0.08 (drifting) with tanh at the edge, and as "
        "n^0.40 [0.35, 0.46] with ReLU at rate n^-3/4; a bound is neither supported nor explained away",
        "under maximal update MSE even seems to have an edge at scale": "not seen up to width 512 (H13/parity)",
    },
    doubtful={
        "at the edge features continue to evolve in all the hidden layers": "read literally, not in the first: those "
        "of the input matrix move by n^-1, all others by a constant (H6+H7, H7/fifty steps)",
        "at the edge there is a well-defined infinite-width limit": "it is a random one unless the initial function is "
        "zero: two networks do not approach each other otherwise (a control of H8)",
        "outputs diverge, saturating to one-hot, throughout training": "of tanh networks, and while labels are fitted; "
        "with a quarter of wrong labels outputs of ReLU and GELU networks no longer grow with the width after fifty "
        "steps (H2/desaturation)",
        "the regime does not exist under MSE": "true of gradient descent; under Adam, whose steps know no outputs, it "
        "does (H18/Adam)",
        "trainable gains of normalisation layers enable larger rates under Adam (public notes)": "normalisation does, "
        "whether its gains are trained or not (H17)",
    },
)

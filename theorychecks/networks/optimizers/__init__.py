"""How gradients move weights: what an optimizer has to say, and the four that come with the package."""

from theorychecks.networks.optimizers.adam import Adam as Adam
from theorychecks.networks.optimizers.muon import Muon as Muon
from theorychecks.networks.optimizers.optimizer import Optimizer as Optimizer
from theorychecks.networks.optimizers.sgd import SGD as SGD
from theorychecks.networks.optimizers.sign_descent import SignDescent as SignDescent

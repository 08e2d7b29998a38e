"""Everything that a study can vary, by kind of factor."""

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.data.registry import DATA, task_of
from nnbench.catalog.expressions import EXPRESSIONS
from nnbench.catalog.inits.registry import INITS
from nnbench.catalog.keys import KEYS
from nnbench.catalog.landscapes import LANDSCAPES
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.rules import resolve
from nnbench.catalog.schedules.registry import SCHEDULES
from nnbench.catalog.stopping import STOPPINGS
from nnbench.study.vocabulary import Vocabulary

VOCABULARY = Vocabulary(
    registries={
        "activation": ACTIVATIONS,
        "data": DATA,
        "init": INITS,
        "loss": LOSSES,
        "norm": NORMS,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
        "early_stopping": STOPPINGS,
        "landscape": LANDSCAPES,
        "expression": EXPRESSIONS,
    },
    resolve=resolve,
    task=task_of,
)

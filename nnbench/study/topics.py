"""The topics of a lecture on training networks, in its order, with the studies of each."""

from typing import NamedTuple


class Topic(NamedTuple):
    """A topic: how an address names it, its title, and its studies, the best first."""

    identity: str
    title: str
    studies: tuple[str, ...]


TOPICS = (
    Topic("activations", "Activations", (
        "activations", "dead_neurons", "dying_neurons", "depth_without_activation",
        "activations_by_inits", "activation_cost", "lu_2019",
    )),
    Topic("backpropagation", "Backpropagation", ()),
    Topic("gradients", "Vanishing and exploding gradients", (
        "gradient_flow", "gradient_flow_training", "trainability_map", "deep", "clipping",
    )),
    Topic("losses", "Losses", ("losses", "numerics", "outliers")),
    Topic("minima", "Minima", ("landscapes", "cohen_2021")),
    Topic("regularisation", "Regularisation", (
        "regularisation", "decoupled_decay", "loshchilov_2019", "zhang_2017",
    )),
    Topic("optimizers", "Optimizers", (
        "optimizers", "sensitivity", "adagrad", "batch_size", "choi_2019", "schmidt_2021",
        "sivaprasad_2020",
    )),
    Topic("normalisation", "Normalisation", (
        "batchnorm", "batchnorm_gradients", "evaluation_mode", "santurkar_2018",
    )),
    Topic("dropout", "Dropout", ("dropout", "srivastava_2014")),
    Topic("initialisation", "Initialisation", (
        "inits", "self_normalising", "glorot_2010", "he_2015", "saxe_2014", "klambauer_2017",
    )),
    Topic("schedules", "Schedules", ("schedules", "goyal_2017", "smith_2017")),
    Topic("early-stopping", "Early stopping", ("early_stopping",)),
    Topic("together", "All of it together", (
        "quickstart", "data_sets", "own_table", "greydanus_2020",
    )),
)  # fmt: skip
OTHER = Topic("other", "Other studies", ())


def topic_of(study: str) -> Topic:
    """The topic that a study belongs to, by its name; `OTHER` for one that nobody listed."""
    return next((topic for topic in TOPICS if study in topic.studies), OTHER)

"""Where a reference can be read: addresses by the title, only those that are beyond doubt.

A work whose title is not here stays plain text: no link is better than a wrong one.
"""

from __future__ import annotations

from typing import NamedTuple

ARXIV = {
    "ADADELTA": "1212.5701",
    "Accurate, Large Minibatch SGD": "1706.02677",
    "Adafactor": "1804.04235",
    "Adam: A Method for Stochastic Optimization": "1412.6980",
    "Attention Is All You Need": "1706.03762",
    "Batch Normalization": "1502.03167",
    "Continuously Differentiable Exponential Linear Units": "1704.07483",
    "Cyclical Learning Rates for Training Neural Networks": "1506.01186",
    "Decoupled Weight Decay Regularization": "1711.05101",
    "Deep Residual Learning for Image Recognition": "1512.03385",
    "DeepLab": "1606.00915",
    "Delving Deep into Rectifiers": "1502.01852",
    "Empirical Evaluation of Rectified Activations": "1505.00853",
    "Exact Solutions to the Nonlinear Dynamics": "1312.6120",
    "Exponential Expressivity in Deep Neural Networks": "1606.05340",
    "All You Need Is a Good Init": "1511.06422",
    "All you need is a good init": "1511.06422",
    "Fast R-CNN": "1504.08083",
    "Fast and Accurate Deep Network Learning by Exponential Linear Units": "1511.07289",
    "Focal Loss for Dense Object Detection": "1708.02002",
    "Gaussian Error Linear Units": "1606.08415",
    "Generating Sequences with Recurrent Neural Networks": "1308.0850",
    "Implicit Neural Representations with Periodic Activation Functions": "2006.09661",
    "Layer Normalization": "1607.06450",
    "MiniCPM": "2404.06395",
    "Mish: A Self Regularized Non-Monotonic": "1908.08681",
    "Muon is Scalable for LLM Training": "2502.16982",
    "Neural Networks Fail to Learn Periodic Functions": "2006.08195",
    "On the Spectral Bias of Neural Networks": "1806.08734",
    "On the Variance of the Adaptive Learning Rate": "1908.03265",
    "Primer: Searching for Efficient Transformers": "2109.08668",
    "Root Mean Square Layer Normalization": "1910.07467",
    "SGDR: Stochastic Gradient Descent with Warm Restarts": "1608.03983",
    "Scaling Down Deep Learning with MNIST-1D": "2011.14439",
    "Scaling Laws and Compute-Optimal Training": "2405.18392",
    "Searching for Activation Functions": "1710.05941",
    "Searching for MobileNetV3": "1905.02244",
    "Self-Normalizing Neural Networks": "1706.02515",
    "Super-Convergence": "1708.07120",
    "Symbolic Discovery of Optimization Algorithms": "2302.06675",
    "The Road Less Scheduled": "2405.15682",
    "Deep Information Propagation": "1611.01232",
}
DOI = {
    "A Logical Calculus of the Ideas Immanent in Nervous Activity": "10.1007/BF02478259",
    "A Stochastic Approximation Method": "10.1214/aoms/1177729586",
    "Acceleration of Stochastic Approximation by Averaging": "10.1137/0330046",
    "Early Stopping - But When?": "10.1007/3-540-49430-8_3",
    "Least Angle Regression": "10.1214/009053604000000067",
    "Learning Representations by Back-propagating Errors": "10.1038/323533a0",
    "Multivariate Adaptive Regression Splines": "10.1214/aos/1176347963",
    "Regression Shrinkage and Selection via the Lasso": "10.1111/j.2517-6161.1996.tb02080.x",
    "Robust Estimation of a Location Parameter": "10.1214/aoms/1177703732",
    "Some Methods of Speeding up the Convergence": "10.1016/0041-5553(64)90137-5",
    "The Perceptron": "10.1037/h0042519",
    "The Use of Multiple Measurements in Taxonomic Problems": "10.1111/j.1469-1809.1936.tb02137.x",
}
PROCEEDINGS = {
    "Adaptive Subgradient Methods": "https://jmlr.org/papers/v12/duchi11a.html",
    "Deep Sparse Rectifier": "https://proceedings.mlr.press/v15/glorot11a.html",
    "Understanding the Difficulty of Training": "https://proceedings.mlr.press/v9/glorot10a.html",
}
ADDRESSES = (
    {title: f"https://arxiv.org/abs/{number}" for title, number in ARXIV.items()}
    | {title: f"https://doi.org/{number}" for title, number in DOI.items()}
    | PROCEEDINGS
)

# one title may end another: Root Mean Square Layer Normalization
LONGEST_FIRST = sorted(ADDRESSES, key=len, reverse=True)


class Part(NamedTuple):
    """A stretch of a reference: its text, and the address behind it, if it is a link."""

    text: str
    address: str = ""


def linked(reference: str) -> list[Part]:
    """Return a reference in parts, the titles that have an address as links."""
    parts: list[Part] = []
    for place, work in enumerate(reference.split("; ")):
        before = "; " if place else ""
        title = next((title for title in LONGEST_FIRST if title in work), None)
        if title is None:
            parts.append(Part(before + work))
            continue
        start = work.index(title)
        parts += [Part(before + work[:start]), Part(work[start:], ADDRESSES[title])]
    return [part for part in parts if part.text]

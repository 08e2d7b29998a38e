"""Where a reference can be read: addresses by the title, only those that are beyond doubt.

A work whose title is not here stays plain text: no link is better than a wrong one. What PyTorch
and scikit-learn have by a dotted name is linked to its page of their documentation.
"""

from __future__ import annotations

import re
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
    "Fast R-CNN": "1504.08083",
    "Fast and Accurate Deep Network Learning by Exponential Linear Units": "1511.07289",
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
    "A Literature Survey of Benchmark Functions": "1308.4008",
    "BinaryConnect": "1511.00363",
    "Cases for the Nugget in Modeling Computer Experiments": "1007.4580",
    "Identifying and Attacking the Saddle Point Problem": "1406.2572",
    "Rethinking the Inception Architecture": "1512.00567",
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
    "An Automatic Method for Finding the Greatest or Least Value": "10.1093/comjnl/3.3.175",
    "Accurately Computing the Log-Sum-Exp": "10.1093/imanum/draa038",
    "Breast Cancer Wisconsin (UCI)": "10.24432/C5DW2B",
    "Brownian Motion in a Field of Force": "10.1016/S0031-8914(40)90098-2",
    "Computation with Infinite Neural Networks": "10.1162/089976698300017412",
    "Efficient BackProp": "10.1007/3-540-49430-8_2",
    "Ideal Spatial Adaptation by Wavelet Shrinkage": "10.1093/biomet/81.3.425",
    "Learning from Noisy Examples": "10.1007/BF00116829",
    "Optical Recognition of Handwritten Digits": "10.24432/C50P49",
    "Probabilistic Interpretation of Feedforward Classification": "10.1007/978-3-642-76153-9_28",
    "Regularization and Variable Selection via the Elastic Net": "10.1111/j.1467-9868.2005.00503.x",
    "A Direct Adaptive Method for Faster Backpropagation": "10.1109/ICNN.1993.298623",
    "Three Unfinished Works on the Optimal Storage": "10.1088/0305-4470/22/12/004",
    "Wine (UCI)": "10.24432/C5PC7J",
}
PAGES = {
    "Adaptive Subgradient Methods": "https://jmlr.org/papers/v12/duchi11a.html",
    "Understanding the Difficulty of Training": "https://proceedings.mlr.press/v9/glorot10a.html",
    "A Method for Solving the Convex Programming Problem": "https://www.mathnet.ru/eng/dan46009",
    "A Simple Weight Decay Can Improve Generalization": "https://proceedings.neurips.cc/paper/1991/hash/8eefcfdf5990e441f0fb6f3fad709e21-Abstract.html",
    "Convolutional Deep Belief Networks on CIFAR-10": "https://www.cs.toronto.edu/~kriz/conv-cifar10-aug2010.pdf",
    "Deep Learning, sections": "https://www.deeplearningbook.org",
    "Dropout: A Simple Way": "https://jmlr.org/papers/v15/srivastava14a.html",
    "Incorporating Nesterov Momentum into Adam": "https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
    "Incorporating Second-Order Functional Knowledge": "https://proceedings.neurips.cc/paper/2000/hash/44968aece94f667e4095002d140b5896-Abstract.html",
    "Lecture 6.5 - RMSProp": "https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
    "Muon: An Optimizer for Hidden Layers": "https://kellerjordan.github.io/posts/muon/",
    "On the Difficulty of Training Recurrent Neural Networks": "https://proceedings.mlr.press/v28/pascanu13.html",
    "Quadratic Features and Deep Architectures": "https://aclanthology.org/N09-2062/",
    "Rectified Linear Units Improve Restricted Boltzmann Machines": "https://icml.cc/Conferences/2010/papers/432.pdf",
    "Rectifier Nonlinearities Improve Neural Network": "https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf",
}
ADDRESSES = (
    {title: f"https://arxiv.org/abs/{number}" for title, number in ARXIV.items()}
    | {title: f"https://doi.org/{number}" for title, number in DOI.items()}
    | PAGES
)

# one title may end another: Root Mean Square Layer Normalization
LONGEST_FIRST = sorted(ADDRESSES, key=len, reverse=True)


class Part(NamedTuple):
    """A stretch of a reference: its text, and the address behind it, if it is a link."""

    text: str
    address: str = ""


DOTTED = re.compile(r"\b(torch|sklearn)(?:\.\w+)+")


def documentation(dotted: str) -> str:
    """Return the address of a dotted name's page in the documentation of PyTorch or scikit-learn.

    A class has a page; so has a function, but for torch.nn.init's, which share one; a method is a
    place on its class's page.
    """
    if dotted.startswith("sklearn."):
        return f"https://scikit-learn.org/stable/modules/generated/{dotted}.html"
    pages = "https://docs.pytorch.org/docs/stable/"
    if dotted.startswith("torch.nn.init."):
        return f"{pages}nn.init.html#{dotted}"
    method = re.fullmatch(r"([\w.]+\.[A-Z]\w*)\.\w+", dotted)
    return (
        f"{pages}generated/{method[1]}.html#{dotted}"
        if method
        else f"{pages}generated/{dotted}.html"
    )


def documented(text: str) -> list[Part]:
    """Return a text in parts, its dotted names as links to their documentation."""
    parts, end = [], 0
    for found in DOTTED.finditer(text):
        parts += [Part(text[end : found.start()]), Part(found[0], documentation(found[0]))]
        end = found.end()
    parts.append(Part(text[end:]))
    return [part for part in parts if part.text]


def linked(reference: str) -> list[Part]:
    """Return a reference in parts, titles and dotted names that have an address as links."""
    parts: list[Part] = []
    for place, work in enumerate(reference.split("; ")):
        before = "; " if place else ""
        title = next((title for title in LONGEST_FIRST if title in work), None)
        if title is None:
            parts += documented(before + work)
            continue
        start = work.index(title)
        parts += [Part(before + work[:start]), Part(work[start:], ADDRESSES[title])]
    return [part for part in parts if part.text]

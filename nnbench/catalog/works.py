"""Works that several entries refer to: authors, year, title, and where it can be read.

A reference is one or several of these joined by "; ". Its last part may be an address: an arXiv
number, a DOI or a link, as in `Ioffe & Szegedy (2015), Batch Normalization, arXiv:1502.03167`. Only
an address that is beyond doubt stands here: none is better than a wrong one.
"""

BRIDLE = (
    "Bridle (1990), Probabilistic Interpretation of Feedforward Classification Network Outputs, "
    "doi:10.1007/978-3-642-76153-9_28"
)
CAUCHY = (
    "Cauchy (1847), Méthode générale pour la résolution des systèmes d'équations simultanées; "
    "Lemaréchal (2012), Cauchy and the Gradient Method, doi:10.4171/dms/6/27"
)
DUCHI = (
    "Duchi, Hazan & Singer (2011), Adaptive Subgradient Methods, "
    "https://jmlr.org/papers/v12/duchi11a.html"
)
GOYAL = "Goyal et al. (2017), Accurate, Large Minibatch SGD, arXiv:1706.02677"
HE_RECTIFIERS = "He, Zhang, Ren & Sun (2015), Delving Deep into Rectifiers, arXiv:1502.01852"
HE_RESIDUAL = (
    "He, Zhang, Ren & Sun (2016), Deep Residual Learning for Image Recognition, arXiv:1512.03385"
)
HOWARD = "Howard et al. (2019), Searching for MobileNetV3, arXiv:1905.02244"
HUBER = "Huber (1964), Robust Estimation of a Location Parameter, doi:10.1214/aoms/1177703732"
IOFFE = "Ioffe & Szegedy (2015), Batch Normalization, arXiv:1502.03167"
KLAMBAUER = (
    "Klambauer, Unterthiner, Mayr & Hochreiter (2017), Self-Normalizing Neural Networks, "
    "arXiv:1706.02515"
)
LECUN = "LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, doi:10.1007/3-540-49430-8_2"
LOSHCHILOV = "Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization, arXiv:1711.05101"
POLYAK = (
    "Polyak (1964), Some Methods of Speeding up the Convergence of Iteration Methods, "
    "doi:10.1016/0041-5553(64)90137-5"
)
POOLE = (
    "Poole et al. (2016), Exponential Expressivity in Deep Neural Networks through Transient "
    "Chaos, arXiv:1606.05340"
)
PRECHELT = "Prechelt (1998), Early Stopping - But When?, doi:10.1007/3-540-49430-8_3"
ROBBINS = "Robbins & Monro (1951), A Stochastic Approximation Method, doi:10.1214/aoms/1177729586"
ROSENBLATT = "Rosenblatt (1958), The Perceptron, doi:10.1037/h0042519"
SGDR = (
    "Loshchilov & Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts, "
    "arXiv:1608.03983"
)
SZEGEDY = (
    "Szegedy, Vanhoucke, Ioffe, Shlens & Wojna (2016), Rethinking the Inception Architecture "
    "for Computer Vision, arXiv:1512.00567"
)
TIBSHIRANI = (
    "Tibshirani (1996), Regression Shrinkage and Selection via the Lasso, "
    "doi:10.1111/j.2517-6161.1996.tb02080.x"
)

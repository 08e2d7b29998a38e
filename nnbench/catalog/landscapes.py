"""Landscapes: test functions of one or two coordinates for optimizers to walk on.

A function takes a point (dims,) and its parameters, and returns its height, 0-dimensional; its
gradient is autograd's. Powers are written as products and waves are padded to whole vectors, so
that a walk's rounding cannot depend on how many others are walked with it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.works import POLYAK
from nnbench.lazy import Tensor, torch
from nnbench.study.recipe import of_factor
from nnbench.study.vocabulary import Entry, Parameter

Box = tuple[tuple[float, float], ...]  # lowest and highest value of each coordinate
Point = tuple[float, ...]
VECTOR = 64  # elements: twice the widest vector of a CPU, as torch's kernels unroll by two


@dataclass(frozen=True, kw_only=True)
class Landscape(Entry):
    """A test function.

    `minima(**parameters)` are its global minima. `domain` is what pictures show; walks start in
    `starts`, which lies beyond the local minima or the saddle that the function is known for.
    """

    function: Callable[..., Tensor]
    minima: Callable[..., Sequence[Point]]
    domain: Box
    starts: Box

    @property
    def dims(self) -> int:
        """The number of coordinates."""
        return len(self.domain)

    @property
    def family(self) -> str:
        """The heading that it stands under."""
        return "One coordinate" if self.dims == 1 else "Two coordinates"


def wave(x: Tensor) -> Tensor:
    """cos(2 pi x) of a number, rounded alike wherever it stands in a stack."""
    padded = torch.nn.functional.pad(x.reshape(1), (0, VECTOR - 1))
    return torch.cos(2 * math.pi * padded)[0]


def sine(x: Tensor) -> Tensor:
    """sin(2 pi x), likewise."""
    padded = torch.nn.functional.pad(x.reshape(1), (0, VECTOR - 1))
    return torch.sin(2 * math.pi * padded)[0]


def square(x: Tensor) -> Tensor:
    """x^2."""
    return x * x


def bowl(point: Tensor, condition: Tensor) -> Tensor:
    """(x^2 + condition y^2) / 2."""
    return (square(point[0]) + condition * square(point[1])) / 2


def double_well(point: Tensor, tilt: Tensor) -> Tensor:
    """(x^2 - 1)^2 - tilt x."""
    return square(square(point[0]) - 1) - tilt * point[0]


def deeper_well(tilt: float) -> list[Point]:
    """The largest root of 4 x^3 - 4 x = tilt, by Viete's cosine while there are three roots."""
    share = tilt * math.sqrt(27) / 8
    if share <= 1:
        return [(2 / math.sqrt(3) * math.cos(math.acos(share) / 3),)]
    return [(2 / math.sqrt(3) * math.cosh(math.acosh(share) / 3),)]


def rippled_bowl(point: Tensor, ripple: Tensor) -> Tensor:
    """x^2 / 8 + ripple (1 - cos(2 pi x))."""
    return square(point[0]) / 8 + ripple * (1 - wave(point[0]))


def gramacy_lee(point: Tensor) -> Tensor:
    """sin(10 pi x) / (2 x) + (x - 1)^4."""
    return sine(5 * point[0]) / (2 * point[0]) + square(square(point[0] - 1))


def rosenbrock(point: Tensor, b: Tensor) -> Tensor:
    """(1 - x)^2 + b (y - x^2)^2."""
    return square(1 - point[0]) + b * square(point[1] - square(point[0]))


def beale(point: Tensor) -> Tensor:
    """(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2."""
    x, y = point[0], point[1]
    first, second = square(1.5 - x + x * y), square(2.25 - x + x * y * y)
    return first + second + square(2.625 - x + x * y * y * y)


def himmelblau(point: Tensor) -> Tensor:
    """(x^2 + y - 11)^2 + (x + y^2 - 7)^2."""
    x, y = point[0], point[1]
    return square(square(x) + y - 11) + square(x + square(y) - 7)


def six_hump_camel(point: Tensor) -> Tensor:
    """(4 - 2.1 x^2 + x^4 / 3) x^2 + x y + (4 y^2 - 4) y^2."""
    x, y = point[0], point[1]
    xx, yy = square(x), square(y)
    return (4 - 2.1 * xx + xx * xx / 3) * xx + x * y + (4 * yy - 4) * yy


def rastrigin(point: Tensor, ripple: Tensor) -> Tensor:
    """x^2 + y^2 + ripple (2 - cos(2 pi x) - cos(2 pi y))."""
    x, y = point[0], point[1]
    return square(x) + square(y) + ripple * (2 - wave(x) - wave(y))


def saddle(point: Tensor, far: Tensor) -> Tensor:
    """(x^2 - y^2) / 2 + y^4 / (4 far^2)."""
    x, yy = point[0], square(point[1])
    return (square(x) - yy) / 2 + yy * yy / (4 * far * far)


def _fixed(*minima: Point) -> Callable[..., Sequence[Point]]:
    return lambda **parameters: minima


def _square_box(low: float, high: float) -> Box:
    return ((low, high), (low, high))


def height(landscape: str, parameters: Mapping[str, Any], points: Tensor) -> Tensor:
    """The heights (points,) of points (points, dims), float64."""
    numbers = {name: torch.tensor(float(value)).double() for name, value in parameters.items()}
    function = LANDSCAPES[landscape].function
    return torch.func.vmap(lambda point: function(point, **numbers))(points)


MUEHLENBEIN = (
    "Mühlenbein, Schomisch & Born (1991), The Parallel Genetic Algorithm as Function Optimizer, "
    "doi:10.1016/S0167-8191(05)80052-3"
)
SURVEY = (
    "Jamil & Yang (2013), A Literature Survey of Benchmark Functions for Global Optimisation, "
    "arXiv:1308.4008"
)

LANDSCAPES: dict[str, Landscape] = {
    "bowl": Landscape(
        summary="A bowl that is steeper across than along: one minimum in a narrow valley.",
        formula="(x^2 + condition y^2) / 2",
        reference=POLYAK,
        parameters={
            "condition": Parameter(30.0, "ratio of the two curvatures", 1, 1e9),
        },
        function=bowl,
        minima=_fixed((0.0, 0.0)),
        domain=_square_box(-3, 3),
        starts=((-2.8, -1.5), (-2.8, 2.8)),
    ),
    "double_well": Landscape(
        summary="Two wells; starts on the left meet the shallow one first.",
        formula="(x^2 - 1)^2 - tilt x",
        reference="Kramers (1940), Brownian Motion in a Field of Force and the Diffusion Model of "
        "Chemical Reactions, doi:10.1016/S0031-8914(40)90098-2",
        parameters={
            "tilt": Parameter(
                1.0, "makes the left well shallower; none is left at 1.54", 0, 100, open_low=True
            ),
        },
        function=double_well,
        minima=deeper_well,
        domain=((-2.0, 2.0),),
        starts=((-1.9, -0.5),),
    ),
    "rippled_bowl": Landscape(
        summary="A bowl with ripples: a shallow local minimum near every whole number.",
        formula="x^2 / 8 + ripple (1 - cos(2 pi x))",
        reference="Rastrigin (1974), Systems of Extremal Control, in one dimension; " + MUEHLENBEIN,
        parameters={"ripple": Parameter(0.1, "half the height of a ripple", 0, 1e3)},
        function=rippled_bowl,
        minima=_fixed((0.0,)),
        domain=((-6.0, 6.0),),
        starts=((-5.8, -2.5),),
    ),
    "gramacy_lee": Landscape(
        summary="Waves that grow towards the left end, where the lowest trough lies.",
        formula="sin(10 pi x) / (2 x) + (x - 1)^4",
        reference="Gramacy & Lee (2012), Cases for the Nugget in Modeling Computer Experiments, "
        "arXiv:1007.4580",
        function=gramacy_lee,
        minima=_fixed((0.5485634445,)),
        domain=((0.5, 2.5),),
        starts=((1.2, 2.4),),
    ),
    "rosenbrock": Landscape(
        summary="A curved valley: easy to find, and long to follow.",
        formula="(1 - x)^2 + b (y - x^2)^2",
        reference="Rosenbrock (1960), An Automatic Method for Finding the Greatest or Least Value "
        "of a Function, doi:10.1093/comjnl/3.3.175",
        parameters={"b": Parameter(100.0, "steepness of the valley's walls", 0, 1e9)},
        function=rosenbrock,
        minima=_fixed((1.0, 1.0)),
        domain=((-2.0, 2.0), (-1.0, 3.0)),
        starts=((-1.8, -0.5), (-0.5, 2.5)),
    ),
    "beale": Landscape(
        summary="A plain with sharp corners: gradients from tiny to huge.",
        formula="(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2",
        reference="Beale (1958), On an Iterative Method for Finding a Local Minimum; " + SURVEY,
        function=beale,
        minima=_fixed((3.0, 0.5)),
        domain=_square_box(-4.5, 4.5),
        starts=((-1.0, 2.5), (-2.0, 1.5)),
    ),
    "himmelblau": Landscape(
        summary="Four minima, all equally low.",
        formula="(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
        reference="Himmelblau (1972), Applied Nonlinear Programming; " + SURVEY,
        function=himmelblau,
        minima=_fixed(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        domain=_square_box(-5.5, 5.5),
        starts=_square_box(-5, 5),
    ),
    "six_hump_camel": Landscape(
        summary="Six minima, two of them global and two shallow.",
        formula="(4 - 2.1 x^2 + x^4 / 3) x^2 + x y + (4 y^2 - 4) y^2",
        reference="Dixon & Szegö (1978), Towards Global Optimisation 2; " + SURVEY,
        function=six_hump_camel,
        minima=_fixed(
            (0.0898420131003180, -0.7126564032704135),
            (-0.0898420131003180, 0.7126564032704135),
        ),
        domain=((-2.2, 2.2), (-1.3, 1.3)),
        starts=((-2.0, 2.0), (-1.1, 1.1)),
    ),
    "rastrigin": Landscape(
        summary="A bowl in two dimensions under an egg-box of local minima.",
        formula="x^2 + y^2 + ripple (2 - cos(2 pi x) - cos(2 pi y))",
        reference="Rastrigin (1974), Systems of Extremal Control; " + MUEHLENBEIN,
        parameters={"ripple": Parameter(10.0, "half the height of a ripple", 0, 1e6)},
        function=rastrigin,
        minima=_fixed((0.0, 0.0)),
        domain=_square_box(-5.12, 5.12),
        starts=_square_box(-5, 5),
    ),
    "saddle": Landscape(
        summary="A saddle; walks start on its ridge, two minima lie far off, to its sides.",
        formula="(x^2 - y^2) / 2 + y^4 / (4 far^2)",
        reference="Dauphin et al. (2014), Identifying and Attacking the Saddle Point Problem in "
        "High-Dimensional Non-Convex Optimization, arXiv:1406.2572",
        parameters={
            "far": Parameter(2.0, "distance of the minima from the saddle", 0, 1e6, open_low=True)
        },
        function=saddle,
        minima=lambda far: [(0.0, far), (0.0, -far)],
        domain=_square_box(-3, 3),
        starts=((1.0, 2.8), (-1e-3, 1e-3)),
    ),
}


def minima_of(recipe: Mapping[str, Any]) -> list[Point]:
    """The landscape's global minima."""
    entry = LANDSCAPES[recipe["landscape"]]
    return list(entry.minima(**of_factor("landscape", recipe)))

"""MNIST-1D: ten hand-drawn curves of twelve points, stretched, moved and drowned in noise.

The recipe and its numbers are those of Greydanus & Kobak (2024), Scaling Down Deep Learning with
MNIST-1D; the sample is generated here and never downloaded. By the authors' page a linear model
reaches about 32 % on 4,000 training and 1,000 test examples, an MLP 68 % (65 % by the log of their
own run), a convolutional network 94 %.
"""

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.samples import Sample
from nnbench.lazy import ndimage

Array = NDArray[np.float64]

# One curve for each digit, drawn as a pen's height at twelve moments; all begin and end at 5.
CURVES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
HEIGHT = 1 / 6  # of a curve's standard deviation
PADDING = (36, 60)  # points of silence after a curve
LENGTH = 72  # points of a whole signal: the curve's and the longest silence
SHIFT = 48  # points that a signal is moved around by, at most
SCALE = 0.4  # range of the factor about 1
SHEAR = 0.75  # range of the slope that is taken off
CORRELATED_NOISE, SMOOTHING = 0.25, 2.0  # deviation before smoothing; the smoothing's, in points
INDEPENDENT_NOISE = 0.02
POINTS = 40  # features: what is left after sub-sampling


def mnist1d(generator: np.random.Generator, n: int) -> Sample:
    """N signals (n, 40), the ten digits in turn, at mean 0 and deviation 1 over all."""
    y = np.arange(n) % 10
    signal, silent = _stretched(y, generator.integers(PADDING[0], PADDING[1] + 1, n))
    signal *= 1 + SCALE * (generator.uniform(size=(n, 1)) - 0.5)
    shift = generator.integers(0, SHIFT, (n, 1))
    places = (np.arange(LENGTH) - shift) % LENGTH
    signal = np.take_along_axis(signal, places, 1)
    silent = np.take_along_axis(silent, places, 1)
    noise = CORRELATED_NOISE * generator.standard_normal((n, LENGTH))
    smooth = ndimage.gaussian_filter1d(noise, SMOOTHING, axis=1)
    signal = np.where(silent, smooth, signal)
    signal += INDEPENDENT_NOISE * generator.standard_normal((n, LENGTH))
    slope = SHEAR * (generator.uniform(size=(n, 1)) - 0.5)
    x = _sampled(signal - slope * np.linspace(-0.5, 0.5, LENGTH), POINTS)
    return Sample((x - x.mean()) / x.std(), y)


def curves() -> Array:
    """The ten curves (10, 12): deviation 1/6 each, beginning and ending at 0."""
    heights = np.array(CURVES, dtype=np.float64)
    heights /= heights.std(1, keepdims=True)
    return (heights - heights[:, :1]) * HEIGHT


def _stretched(y: NDArray[np.int64], padding: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
    """Each digit's curve and silence, stretched to (n, 72), and where it is silent.

    More silence leaves less room for the curve: the padding is what varies its width.
    """
    shapes = np.pad(curves(), ((0, 0), (0, 1)))
    last = shapes.shape[1] - 1
    at = np.linspace(0, last - 1 + padding, LENGTH, axis=1)
    left = np.minimum(at.astype(np.int64), last - 1)
    part = np.clip(at - left, 0, 1)
    drawn = shapes[y[:, None], left] * (1 - part) + shapes[y[:, None], left + 1] * part
    return drawn, at >= last


def _sampled(signal: Array, points: int) -> Array:
    """Signals (n, length) read off at evenly spaced points, straight lines between."""
    at = np.linspace(0, signal.shape[1] - 1, points)
    left = np.minimum(at.astype(np.int64), signal.shape[1] - 2)
    part = at - left
    return signal[:, left] * (1 - part) + signal[:, left + 1] * part

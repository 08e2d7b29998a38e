"""The registries -> one page and a picture file for each entry: group, draw, lay out, write.

The same sources give the same bytes: every draw has its seed, and no clock is read.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from nnbench.atlas.curves import activation_pictures, loss_pictures
from nnbench.atlas.draws import init_pictures, norm_pictures
from nnbench.atlas.facts import NOWHERE, facts, in_a_line
from nnbench.atlas.families import TITLES, families
from nnbench.atlas.key_pictures import gradient_picture, layer_picture, regulariser_picture
from nnbench.atlas.listing import (
    PLURALS,
    picture_path,
    registries,
    settable,
    setting,
    toml,
    twin_words,
)
from nnbench.atlas.other_kinds import expression_picture, landscape_picture
from nnbench.atlas.paths import (
    RATES,
    STEPS,
    made_losses,
    optimizer_picture,
    schedule_picture,
    stopping_picture,
)
from nnbench.atlas.picture import Picture
from nnbench.atlas.references import Part, documented, linked
from nnbench.atlas.scatters import data_picture
from nnbench.catalog.keys import Key
from nnbench.report.page import html
from nnbench.results.disk import write_whole
from nnbench.study.vocabulary import Entry

HERE = Path(__file__).parent


def each(draw: Callable[[str, Any], Picture]) -> Callable[[Any], dict[str, Picture]]:
    """Draw the entries of a family one by one, where they share no axes that hang on them all."""
    return lambda family: {name: draw(name, entry) for name, entry in family.items()}


DRAW: Mapping[str, Callable[[Any], dict[str, Picture]]] = {
    "activation": activation_pictures,
    "init": init_pictures,
    "optimizer": each(optimizer_picture),
    "schedule": each(schedule_picture),
    "loss": loss_pictures,
    "layer": each(layer_picture),
    "norm": norm_pictures,
    "regulariser": each(regulariser_picture),
    "early_stopping": each(stopping_picture),
    "gradient": each(gradient_picture),
    "data": each(data_picture),
    "landscape": each(landscape_picture),
    "expression": each(expression_picture),
}
LEGENDS = {
    "activation": "Solid: the function. Dashed: its derivative. Grey: the sides on which it "
    "saturates (slope under 5 % of its steepest). Hatched: where a unit is dead.",
    "init": "Bars: 256 x 256 weights, all made from the same random draw, each by its own code. "
    "Dashed: the density of the distribution they are drawn from.",
    "optimizer": "The same narrow valley for all, 25 times steeper across than along, from the "
    f"same start, {STEPS} steps with exact gradients and no weight decay. Each uses the rate, of "
    f"{len(RATES)} from {RATES[0]:g} to {RATES[-1]:g}, that keeps it in the picture and is first "
    "to fall below a thousandth of the starting height. Dots: the first 60 steps. This shows how "
    "they move, not which is best: training is noisy and has many more dimensions.",
    "schedule": "Learning rate over 50 epochs relative to the base rate, at default parameters.",
    "loss": "Solid: the loss of one example. Dashed: its derivative with respect to the output.",
    "layer": "Outputs of a hidden layer of 64 tanh units for 512 examples of noise, at the "
    "start of training: grey without the entry, blue with it.",
    "norm": "All values of a batch of 512 examples and 64 units with different means and spreads: "
    "grey before, blue after, in training. Outline: one unit, which was around 4.5.",
    "gradient": "Batches: plain SGD on the mean of 64 valleys, each with its own bottom "
    "around the cross; all at one rate for equally many epochs. Clipping: gradients of a network "
    "with two parameters, grey before and blue after.",
    "data": "Made with default parameters; at most 420 examples are drawn. Classes differ in "
    "colour and mark. More than two features: the first two principal components. Regression: "
    "targets over the best linear fit, so that a line is what a linear model can explain.",
    "regulariser": "Nine weights that do not affect the loss, so only the penalty moves them.",
    "early_stopping": "A made-up validation loss that is at its best after "
    f"{made_losses().argmin()} epochs.",
    "landscape": "Test functions for optimizers to walk on (studies of kind landscape), each over "
    "its own domain: the deeper the blue, the lower. Crosses are the global minima.",
    "expression": "The same loss, -log sigmoid(z), written in several ways and computed in float32 "
    "(studies of kind numerics): relative error against the exact value, zero being drawn as "
    "1e-9. Hatched: infinite or not a number.",
}
# other forms of the words of a fact, for the search
INFLECTED = {"saturates": "saturating saturated saturation", "units die": "dead dying dies"}


@dataclass(frozen=True)
class Card:
    """One entry on the page."""

    kind: str
    name: str
    entry: Entry
    picture: Picture
    settings: list[str]
    facts: str
    reference: list[Part]
    twin: list[Part]  # what it is held against; empty where the reference names it
    words: str  # what the search box looks in

    @property
    def identity(self) -> str:
        """The card's id, which links to it carry after the #."""
        return f"{self.kind}-{self.name}"

    @property
    def svg(self) -> Markup:
        """The picture for inside the page."""
        return Markup(self.picture.canvas.svg(self.picture.alt))

    @property
    def thumbnail(self) -> Markup:
        """The picture's marks alone, for the index."""
        return Markup(self.picture.canvas.thumbnail())


@dataclass(frozen=True)
class Section:
    """One kind of entry on the page: its families in order, each a list of cards."""

    kind: str
    title: str
    legend: str
    families: dict[str, list[Card]]

    @property
    def count(self) -> int:
        """The number of its entries."""
        return sum(map(len, self.families.values()))


def build_atlas(out: Path) -> Path:
    """Write `index.html` and `<kind>/<name>.svg` under `out`; return the page's path."""
    sections = [section(kind, entries) for kind, entries in registries().items()]
    style = (HERE / "picture.css").read_text(encoding="utf-8")
    for one in sections:
        for card in (card for cards in one.families.values() for card in cards):
            path = picture_path(out, card.kind, card.name)
            write_whole(path, standalone(card.picture, style))
    return write_whole(out / "index.html", render(sections, style))


def section(kind: str, entries: Mapping[str, Entry]) -> Section:
    """Draw one registry, family by family."""
    cards: dict[str, list[Card]] = {}
    for family, names in families(entries).items():
        pictures = DRAW[kind]({name: entries[name] for name in names})
        cards[family] = [card(kind, family, name, entries[name], pictures[name]) for name in names]
    return Section(kind, TITLES[kind], LEGENDS[kind], cards)


def card(kind: str, family: str, name: str, entry: Entry, picture: Picture) -> Card:
    """An entry's card."""
    known, twin = facts(kind, entry), entry.torch or twin_words(entry)
    return Card(
        kind,
        name,
        entry,
        picture,
        settings(entry),
        in_a_line(known),
        linked(entry.reference),
        [] if twin in entry.reference else documented(twin),
        search_words(kind, family, name, entry, known),
    )


def settings(entry: Entry) -> list[str]:
    """What a card shows as a study file writes it: parameters with their defaults.

    Of an entry that is itself a level of some keys, these levels.
    """
    if isinstance(entry, Key):
        return [f"{key} = {toml(level)}" for key, level in entry.levels.items()]
    return [setting(key, about) for key, about in settable(entry).items()]


def search_words(kind: str, family: str, name: str, entry: Entry, known: Mapping[str, str]) -> str:
    """What the search box looks in: an entry's names, what it says, and what is known of it.

    A name is found with spaces or hyphens for its underscores too.
    """
    names = (name, *entry.aliases, *settable(entry))
    spaced = (one.replace("_", other) for one in names if "_" in one for other in " -")
    said = (entry.summary, entry.formula, entry.reference, entry.torch)
    true = {label: words for label, words in known.items() if words != NOWHERE}
    told = (f"{label} {INFLECTED.get(label, '')} {words}" for label, words in true.items())
    parts = (*names, *spaced, TITLES[kind], PLURALS[kind], family, *said, *told)
    return " ".join(" ".join(parts).lower().split())


def standalone(picture: Picture, style: str) -> str:
    """A picture as a file of its own: with size, colours and font inside it."""
    canvas = picture.canvas
    size = {"width": f"{canvas.width:g}", "height": f"{canvas.height:g}"}
    svg = canvas.svg(picture.alt, xmlns="http://www.w3.org/2000/svg", **size)
    inside = f'<style>{style}</style><rect class="paper" width="100%" height="100%"/>'
    head, _, rest = svg.partition(">")
    return f"{head}>{inside}{rest}\n"


def render(sections: list[Section], style: str) -> str:
    """The page; its only script is named by its hash, and nothing else may run or load."""
    script = (HERE / "search.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    styles = (style, (HERE / "atlas.css").read_text("utf-8"))
    return html.render(
        "atlas/atlas.html.j2",
        sections=sections,
        count=sum(one.count for one in sections),
        styles=Markup("\n".join(styles)),
        script=Markup(script),
        digest=digest,
        wbr=Markup("<wbr>"),
    )

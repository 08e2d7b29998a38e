"""The atlas: complete over the registries, self-contained, escaped, and true to the code."""

import hashlib
import itertools
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from nnbench.atlas import build
from nnbench.atlas.canvas import Canvas, Span, number, simplified, ticks
from nnbench.atlas.curves import activation_curve, dead_regions, loss_curve, saturated_regions
from nnbench.atlas.draws import FAN, initial_weights, normalised, symbols, uneven_batch
from nnbench.atlas.families import families
from nnbench.atlas.key_pictures import WEIGHTS, gradients, noisy_path, shrinking, without_and_with
from nnbench.atlas.listing import picture_path, registries
from nnbench.atlas.other_kinds import relative_errors
from nnbench.atlas.paths import RATES, STEPS, best_walk, made_losses, plateau_rates, rates, walk
from nnbench.atlas.picture import defaults
from nnbench.atlas.references import documentation, documented, linked
from nnbench.atlas.scatters import scatter
from nnbench.catalog import (
    ACTIVATIONS,
    DATA,
    INITS,
    KEYS,
    LOSSES,
    NORMS,
    OPTIMIZERS,
    SCHEDULES,
    VOCABULARY,
)
from nnbench.catalog.activations.base import Activation
from nnbench.catalog.expressions import EXPRESSIONS
from nnbench.catalog.inits.laws import Normal
from nnbench.catalog.schedules.registry import scheduler_of
from nnbench.study.vocabulary import Entry

pytestmark = pytest.mark.whole

ENTRIES = [(kind, name) for kind, entries in registries().items() for name in entries]
PLACES = r"https://[a-z0-9.-]+/?\S*|\.\./index\.html"  # where a link may lead
VOID = {"meta", "input", "br", "wbr"}
LOADING = {"src", "srcset", "data", "poster", "action", "background", "xlink:href", "cite"}


def dies(entry: Activation) -> bool:
    """Tell whether a unit can be constant, and without a gradient, by the entry's default."""
    return bool(entry.dead_regions(**defaults(entry.parameters)))


class Page(HTMLParser):
    """Collects what the tests ask for, and checks that every element is closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text_of: dict[str, str] = {}  # of each card
        self.pictures: Counter[str] = Counter()
        self._card = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        assert len(named) == len(attributes), f"an attribute of <{tag}> stands there twice"
        self.tags.append((tag, named))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "article":
            self._card = str(named["id"])
            self.text_of[self._card] = ""
        if tag == "svg" and self._card and named.get("role") == "img":
            self.pictures[self._card] += 1

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "article":
            self._card = ""

    def handle_data(self, data: str) -> None:
        if self._card:
            self.text_of[self._card] += data


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build_atlas(tmp_path_factory.mktemp("results") / "atlas").parent


@pytest.fixture(scope="module")
def source(atlas: Path) -> str:
    return (atlas / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


# The page ---------------------------------------------------------------------------------------


def test_every_entry_has_one_card_with_one_picture_its_formula_and_summary(page: Page) -> None:
    assert sorted(page.text_of) == sorted(f"{kind}-{name}" for kind, name in ENTRIES)
    for kind, name in ENTRIES:
        entry, card = registries()[kind][name], f"{kind}-{name}"
        text = " ".join(page.text_of[card].split())
        assert page.pictures[card] == 1
        reference = "".join(part.text for part in linked(entry.reference))
        for part in (name, entry.formula, entry.summary, reference, *entry.aliases):
            assert " ".join(part.split()) in text, f"{card} does not say {part!r}"


def test_elements_are_closed_and_ids_unique_and_links_arrive(page: Page) -> None:
    assert not page.open
    ids = [named["id"] for _, named in page.tags if "id" in named]
    assert not [one for one, count in Counter(ids).items() if count > 1]
    inside = {named["href"][1:] for _, named in page.tags if (named.get("href") or "")[:1] == "#"}
    assert inside <= set(ids)
    assert {f"{kind}-{name}" for kind, name in ENTRIES} <= inside
    labels = {named["aria-labelledby"] for _, named in page.tags if "aria-labelledby" in named}
    assert labels <= set(ids)


def test_nothing_is_loaded_from_anywhere(page: Page, source: str) -> None:
    for tag, named in page.tags:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "use", "image"}
        loading = LOADING & named.keys()
        assert not loading or (tag, named["action"]) == ("form", "#"), (tag, named)
        if "href" in named:
            assert tag == "a"
            assert re.match("#|" + PLACES, str(named["href"]))
        assert not [key for key in named if key.startswith("on")]
        assert "url(" not in (named.get("style") or "")
    style = source.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_only_the_pages_own_script_may_run(source: str) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in source or f"'sha256-{digest}'" in source
    assert "default-src 'none'" in source


def test_the_page_is_whole_without_its_script(page: Page) -> None:
    hidden = [named.get("class") for _, named in page.tags if "hidden" in named]
    assert sorted(map(str, hidden)) == ["none-found", "search"]


def test_a_card_says_in_plain_words_what_does_not_happen_to_a_unit(page: Page) -> None:
    assert "does not saturate · no dead region · gain 1 ·" in page.text_of["activation-identity"]
    assert "kink at -0.5, 0.5 · gain 1.544" in page.text_of["activation-softshrink"]


def test_headings_leave_out_no_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and len(levels) > 100
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_search_words_hold_name_alias_family_and_summary(page: Page) -> None:
    words = {named["id"]: named["data-words"] for tag, named in page.tags if tag == "article"}
    silu = words["activation-swish"]
    assert silu is not None
    for word in ("swish", "silu", "relu-like", "activations", "its own sigmoid"):
        assert word in silu
    assert all(one == (one or "").lower() for one in words.values())


@pytest.mark.parametrize(
    ("asked", "some"),
    [
        (
            "saturating",
            {f"activation-{n}" for n, e in ACTIVATIONS.items() if e.saturates != "none"},
        ),
        ("dead", {f"activation-{name}" for name, entry in ACTIVATIONS.items() if dies(entry)}),
        ("dying", {f"activation-{name}" for name, entry in ACTIVATIONS.items() if dies(entry)}),
        ("dropout", {"layer-dropout", "layer-alpha_dropout"}),
        ("alpha-dropout", {"layer-alpha_dropout"}),
        ("label smoothing", {"loss-cross_entropy", "regulariser-label_smoothing"}),
        ("one-hot", {"loss-mse", "loss-bce", "loss-bce_with_logits", "data-csv"}),
        ("weight decay", {"optimizer-adamw", "optimizer-muon", "regulariser-l2"}),
        ("negative_slope", {"activation-leaky_relu"}),
        ("rumelhart", {"activation-sigmoid"}),
    ],
)
def test_a_search_finds_what_is_known_of_an_entry(page: Page, asked: str, some: set[str]) -> None:
    words = {named["id"]: named["data-words"] for tag, named in page.tags if tag == "article"}
    found = {str(card) for card, said in words.items() if asked in str(said)}
    assert some <= found
    if asked in ("saturating", "dead", "dying"):
        assert {card for card in found if card.startswith("activation-")} == some


def test_the_page_is_small_and_the_same_each_time(source: str, tmp_path: Path) -> None:
    assert len(source.encode()) < 6_000_000
    for kind in ("activation", "data"):
        entries = dict(list(registries()[kind].items())[:4])
        style = "svg {}"
        first, second = (build.render([build.section(kind, entries)], style) for _ in range(2))
        assert first == second


def test_what_an_entry_says_is_escaped(source: str) -> None:
    relu = ACTIVATIONS["relu"]
    vile = '<script>alert("x & y")</script>'
    entry = replace(
        relu, summary=vile, formula=vile, reference=vile, torch=f"torch.{vile}.x", aliases=(vile,)
    )
    pages = build.render([build.section("activation", {"relu": entry})], "")
    assert "<script>alert" not in pages
    text = Page(pages).text_of["activation-relu"]
    assert text.count(vile) == 5
    picture = build.activation_pictures({vile: entry})[vile]
    root = ElementTree.fromstring(build.standalone(picture, ""))
    assert vile in root.attrib["aria-label"]


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=lambda value: str(value))
def test_every_picture_is_a_file_of_its_own(atlas: Path, kind: str, name: str) -> None:
    text = picture_path(atlas, kind, name).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.attrib["role"] == "img" and root.attrib["aria-label"].startswith(name)
    assert float(root.attrib["width"]) > 0
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert {"text", "style"} <= tags  # words stay words
    assert "nan" not in text.lower().replace("nand", "") or "nan" in name
    marks = [path.attrib["d"] for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert all(re.fullmatch(r"[MLHVZhvlmaz0-9 .e-]+", d) for d in marks), name


def test_every_class_of_a_picture_has_a_look(source: str) -> None:
    used = {
        one
        for tag, named in Page(source).tags
        if tag in ("path", "ellipse", "text")
        for one in (named.get("class") or "").split()
    }
    style = source.partition("<style>")[2].partition("</style>")[0]
    without = {one for one in used if not re.search(rf"\.{one}\b", style)}
    assert without <= {"plus", "cross", "triangle"}  # marks that need no look beyond a mark's


# What the pictures say --------------------------------------------------------------------------


@pytest.mark.parametrize("name", INITS)
def test_the_drawn_density_is_that_of_the_weights(name: str) -> None:
    entry = INITS[name]
    law, names, weights = entry.law, symbols(entry), initial_weights(entry)
    if isinstance(law, str):
        assert f"No density: {law}." in build.DRAW["init"]({name: entry})[name].note
        return
    assert weights.shape == (FAN, FAN)
    # 65,536 draws: five standard errors of a normal law's deviation are 1.4 %
    assert weights.std() == pytest.approx(law.deviation(names), rel=0.014)
    edges = np.linspace(-4, 4, 4001) * law.deviation(names)
    assert np.trapezoid(law.density(edges, names), edges) == pytest.approx(1, abs=2e-3)
    found, bins = np.histogram(weights, 20, density=True)
    middles = (bins[1:] + bins[:-1]) / 2
    assert found == pytest.approx(law.density(middles, names), abs=0.06 * found.max())


def test_equal_weights_have_no_deviation() -> None:
    for name, words in (("zero", "all 0"), ("constant", "all 0.1")):
        assert words in build.DRAW["init"]({name: INITS[name]})[name].alt


def test_layers_do_what_their_pictures_say() -> None:
    tanh, normalised_after = without_and_with(KEYS["layer"]["batchnorm_after"])
    assert normalised_after.std(0) == pytest.approx(np.ones(64), abs=1e-4)
    assert tanh.std() < 0.8
    _, dropped = without_and_with(KEYS["layer"]["dropout"])
    assert (dropped == 0).mean() == pytest.approx(0.2, abs=0.01)
    selu, alpha = without_and_with(KEYS["layer"]["alpha_dropout"])
    assert alpha.mean() == pytest.approx(selu.mean(), abs=0.02)
    assert alpha.std() == pytest.approx(selu.std(), abs=0.02) and not np.array_equal(alpha, selu)
    evaluated, trained = without_and_with(KEYS["layer"]["training_mode"])
    assert (evaluated != 0).all() and (trained == 0).mean() == pytest.approx(0.5, abs=0.02)


def test_penalties_shrink_weights_as_their_formulas_say() -> None:
    step = np.arange(301)[:, None]
    start = np.array(WEIGHTS)
    assert shrinking(1.0, weight_decay=0.01) == pytest.approx(start * 0.99**step)
    l1 = np.sign(start) * np.maximum(np.abs(start) - 0.001 * step, 0)
    assert shrinking(1.0, l1=0.001) == pytest.approx(l1, abs=1.1e-3)
    decoupled = shrinking(0.01, "adam", weight_decay=1.0, decoupled=True)
    assert decoupled == pytest.approx(start * 0.99**step)
    coupled = shrinking(0.01, "adam", weight_decay=1.0, decoupled=False)
    assert coupled[10, -1] == pytest.approx(0.9, abs=2e-3)  # each weight by the rate at each step
    assert coupled[10, -2] == pytest.approx(0.65, abs=2e-3)


def test_clipped_gradients_lie_within_their_bound() -> None:
    before, after = gradients(KEYS["gradient"]["clip_norm"])
    longest = np.linalg.norm(after, axis=1)
    assert longest == pytest.approx(np.minimum(np.linalg.norm(before, axis=1), 1), abs=1e-5)
    before, after = gradients(KEYS["gradient"]["clip_value"])
    assert after == pytest.approx(np.clip(before, -1, 1))


def test_smaller_batches_take_more_steps() -> None:
    steps = {
        name: len(noisy_path(size)) - 1 for name, size in (("one", 1), ("some", 8), ("all", 0))
    }
    assert steps == {"one": 512, "some": 64, "all": 8}


def test_a_wrong_law_is_seen() -> None:
    entry = INITS["he_normal"]
    wrong = Normal("2/(2*fan_in)").deviation(symbols(entry))
    assert initial_weights(entry).std() != pytest.approx(wrong, rel=0.1)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_dashed_line_is_the_derivative(name: str) -> None:
    curve = activation_curve(ACTIVATIONS[name])
    steps = np.diff(curve.y) / np.diff(curve.x)
    between = (curve.slope[1:] + curve.slope[:-1]) / 2
    # all but the few intervals that hold a jump or a kink
    assert np.quantile(np.abs(steps - between), 0.98) < 2e-3


def test_shaded_sides_are_flat_and_dead_ones_exactly() -> None:
    for name, entry in ACTIVATIONS.items():
        curve = activation_curve(entry)
        for regions, bound in (
            (dead_regions(entry), 0.0),
            (saturated_regions(entry, curve), 0.05 * np.abs(curve.slope).max()),
        ):
            for low, high in regions:
                inside = (curve.x > low + 1e-6) & (curve.x < high - 1e-6)
                assert np.abs(curve.slope[inside]).max(initial=0) <= bound, name
    assert dead_regions(ACTIVATIONS["relu"]) == [(-8, 0)]
    assert dead_regions(ACTIVATIONS["relu6"]) == [(-8, 0), (6, 8)]
    assert not dead_regions(ACTIVATIONS["leaky_relu"])
    (left, right) = saturated_regions(
        ACTIVATIONS["sigmoid"], activation_curve(ACTIVATIONS["sigmoid"])
    )
    assert left.high == pytest.approx(-4.37, abs=0.03) == -right.low


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_drawn_with_its_gradient(name: str) -> None:
    curve = loss_curve(LOSSES[name])
    steps = np.diff(curve.y) / np.diff(curve.x)
    between = (curve.slope[1:] + curve.slope[:-1]) / 2
    assert np.quantile(np.abs(steps - between), 0.98) < 1e-3


# an optimizer that leaves some parameters to another rule has a twin for whole networks only
@pytest.mark.parametrize("name", [name for name, entry in OPTIMIZERS.items() if not entry.rest])
def test_a_walk_is_that_of_the_twin(name: str) -> None:
    """The path is drawn by the entry's rule; torch's optimizer walks it too."""
    from nnbench.atlas.paths import START, valley

    entry = OPTIMIZERS[name]
    slopes = torch.tensor(valley())
    place = torch.tensor([START] if not entry.elementwise else START, dtype=torch.float64)
    weight = torch.nn.Parameter(place.clone())
    hyper = {key: about.default for key, about in entry.parameters.items()}
    made, decay = entry.twin_for({"weight_decay": 0.0, "decoupled": False})
    twin = made([weight], **hyper | {"lr": 0.03}, **decay)
    found = walk(entry, 0.03).points
    for step in range(1, 21):
        weight.grad = (weight.detach() @ slopes).clone()
        twin.step()
        assert weight.detach().numpy().ravel() == pytest.approx(found[step], rel=1e-6, abs=1e-9)


def test_a_walk_goes_at_the_rate_that_is_first_there_and_stays_in_the_picture() -> None:
    best = best_walk(OPTIMIZERS["sgd"])
    assert best.lr in RATES and best.steps <= STEPS
    assert best.heights[-1] < 1e-3 * best.heights[0]
    others = [walk(OPTIMIZERS["sgd"], lr) for lr in RATES]
    assert all(best.effort <= other.effort for other in others)
    too_fast = walk(OPTIMIZERS["sgd"], 1.0)
    assert too_fast.effort[0] and too_fast.steps == STEPS + 1  # 2/25 is the limit of stability


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_rate_is_that_of_torch(name: str) -> None:
    entry = SCHEDULES[name]
    epoch, share = rates(entry)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    given = defaults(entry.parameters)
    scheduler = scheduler_of(name, given, optimizer, len(share))
    expected = []
    for loss in made_losses().repeat(len(share) // 50):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([] if entry.function is not None else [float(loss)]))
    assert len(epoch) == len(share) and epoch[-1] < 50
    assert share == pytest.approx(np.array(expected), abs=1e-9)


def test_the_plateau_falls_after_the_made_up_loss_has_turned() -> None:
    entry = SCHEDULES["plateau"]
    found = plateau_rates(entry, defaults(entry.parameters))
    falls = np.flatnonzero(np.diff(found))
    assert falls[0] > made_losses().argmin() and len(falls) >= 2


def test_norms_do_what_their_pictures_say() -> None:
    before = uneven_batch()
    assert before[:, 0].mean() > 4
    batch = normalised(NORMS["batchnorm"], before)
    assert batch.mean(0) == pytest.approx(np.zeros(64), abs=1e-6)
    layer = normalised(NORMS["layernorm"], before)
    assert layer.mean(1) == pytest.approx(np.zeros(512), abs=1e-6)
    assert layer[:, 0].mean() > 1  # a unit that lay off still does
    assert normalised(NORMS["none"], before) is before


def test_scatters_show_the_errors_that_training_sees() -> None:
    noisy = scatter("label_noise", DATA["label_noise"])
    assert noisy.wrong.mean() == pytest.approx(0.2, abs=0.06)
    assert not scatter("digits", DATA["digits"]).wrong.any()
    outliers = scatter("outliers", DATA["outliers"])
    assert outliers.group is None and outliers.y.max() > 5  # gross errors, as drawn


def test_components_are_those_of_the_data() -> None:
    from nnbench.atlas.scatters import _plane

    generator = np.random.default_rng(0)
    hidden = generator.standard_normal((500, 2)) * [5, 2]
    turn, _ = np.linalg.qr(generator.standard_normal((6, 6)))
    places, x_label, _ = _plane(hidden @ turn[:2], scaled=False)
    assert x_label == "principal component 1"
    # the sample's components are hidden's own but for a small turn
    assert np.abs(np.corrcoef(places[:, 0], hidden[:, 0])[0, 1]) > 0.99
    assert places.std(0) == pytest.approx(hidden.std(0), rel=0.05)


def test_safe_expressions_lose_fewer_digits() -> None:
    logits, by_hand = relative_errors(EXPRESSIONS["sigmoid_by_hand"])
    _, safe = relative_errors(EXPRESSIONS["bce_with_logits"])
    left = logits < -95
    assert np.isnan(by_hand[left]).all() and (safe[left] < 1e-6).all()


# Families, references, the canvas ---------------------------------------------------------------


@pytest.mark.parametrize("kind", registries())
def test_families_hold_every_entry_once(kind: str) -> None:
    entries = registries()[kind]
    found = [name for names in families(entries).values() for name in names]
    assert sorted(found) == sorted(entries)


def test_a_family_is_what_its_entries_say() -> None:
    of_inits = {family: INITS[names[0]].family for family, names in families(INITS).items()}
    assert len(of_inits) == 3 and all(family == said for family, said in of_inits.items())
    assert families({"quite_new": VOCABULARY.registries["early_stopping"]["none"]}) == {
        "": ["quite_new"]
    }


def test_a_reference_keeps_its_words_and_links_its_titles() -> None:
    for entries in registries().values():
        for entry in entries.values():
            told = "".join(part.text for part in linked(entry.reference))
            assert told == re.sub(r", (arXiv:|doi:|https://)\S+?(?=; |$)", "", entry.reference)
    parts = linked("Zhang & Sennrich (2019), Root Mean Square, Twice, arXiv:1910.07467; and others")
    assert parts == [
        ("Zhang & Sennrich (2019), ", ""),
        ("Root Mean Square, Twice", "https://arxiv.org/abs/1910.07467"),
        ("; and others", ""),
    ]


def test_every_address_of_a_reference_is_a_link() -> None:
    linked_cards, without = 0, []
    for kind, entries in registries().items():
        for name, entry in entries.items():
            parts = linked(entry.reference)
            assert all(re.fullmatch(PLACES, part.address) for part in parts if part.address), name
            assert not any(re.search("arXiv|doi:|https", part.text) for part in parts), name
            linked_cards += any(part.address for part in parts)
            without += [] if any(part.address for part in parts) else [f"{kind} {name}"]
    assert linked_cards > 150 > 20 * len(without), without


@pytest.mark.parametrize(
    ("dotted", "page"),
    [
        ("torch.nn.ReLU", "generated/torch.nn.ReLU.html"),
        ("torch.heaviside", "generated/torch.heaviside.html"),
        ("torch.nn.utils.clip_grad_norm_", "generated/torch.nn.utils.clip_grad_norm_.html"),
        ("torch.nn.init.zeros_", "nn.init.html#torch.nn.init.zeros_"),
        ("torch.nn.Module.train", "generated/torch.nn.Module.html#torch.nn.Module.train"),
    ],
)
def test_dotted_names_are_linked_to_their_documentation(dotted: str, page: str) -> None:
    assert documentation(dotted) == f"https://docs.pytorch.org/docs/stable/{page}"
    assert [part.text for part in documented(f"{dotted}(a=1) on it")] == [dotted, "(a=1) on it"]


def test_scikit_learns_data_sets_are_linked() -> None:
    place, name = linked(DATA["moons"].reference)
    assert place == ("scikit-learn, ", "") and name.address.endswith(f"generated/{name.text}.html")


def test_lines_keep_their_shape_with_few_points() -> None:
    x = np.linspace(0, 300, 1001)
    places = np.column_stack([x, 50 * np.sin(x / 30)])
    kept = simplified(places)
    assert len(kept) < 200
    assert np.abs(np.interp(x, kept[:, 0], kept[:, 1]) - places[:, 1]).max() < 0.3
    straight = np.column_stack([x, 2 * x])
    assert len(simplified(straight)) == 2
    closed = np.array([[0.0, 0], [1, 0], [1, 1], [0, 0]])
    assert len(simplified(closed)) == 4


def test_a_line_stops_at_what_is_no_number() -> None:
    canvas = Canvas(Span(0, 4), Span(0, 1))
    canvas.line([0, 1, 2, 3, 4], [0, 1, np.nan, 1, 0], "curve")
    assert canvas.svg("").count("M") == 2


def test_words_and_attributes_of_a_canvas_are_escaped() -> None:
    canvas = Canvas(Span(0, 1), Span(0, 1))
    canvas.text(0, 0, "a < b & c")
    root = ElementTree.fromstring(canvas.svg('said "so" & <done>'))
    assert root.attrib["aria-label"] == 'said "so" & <done>'
    assert [element.text for element in root.iter("text")] == ["a < b & c"]


def test_ticks_are_round_and_few() -> None:
    assert ticks(Span(-2.9, 4.6)) == [-2, 0, 2, 4]
    assert ticks(Span(0, 1)) == [0, 0.25, 0.5, 0.75, 1]
    assert number(-2.0) == "\N{MINUS SIGN}2" and number(-0.0) == "0"
    for low, high in ((0, 1e-3), (-7, 12), (100, 130), (-1e6, 1e6)):
        assert 2 <= len(ticks(Span(low, high))) <= 5


def test_a_kind_without_a_drawing_is_an_error_at_once() -> None:
    assert set(build.DRAW) == set(build.TITLES) == set(build.LEGENDS) == set(registries())


def test_entries_are_drawn_from_the_registry_they_are_given() -> None:
    entries: dict[str, Entry] = {"new": replace(ACTIVATIONS["tanh"], summary="A new one.")}
    section = build.section("activation", entries)
    (cards,) = section.families.values()
    assert [card.identity for card in cards] == ["activation-new"] and section.count == 1

// Figures that tell their values, show and hide their series, and save themselves.
(() => {
  const { make, button, save, words, shown, tables, newStatus } = hands;
  const svgElement = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);

  // Values, under the pointer and by the arrow keys ------------------------------------------------
  const tip = make("div", "tip");
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.body.append(tip);
  let ring = null;

  const say = (svg, mark) => {
    ring?.remove();
    tip.hidden = !mark;
    if (!mark) return;
    const [first, second] = mark.texts;
    const lines = [make("strong", "", mark.series)];
    const told = [first && `${mark.names[0]} ${first}`.trim(), second].filter(Boolean).join(": ");
    if (told) lines.push(make("span", "", told));
    if (mark.names[1]) lines.push(make("span", "quiet", mark.names[1]));
    tip.replaceChildren(...lines.filter((line) => line.textContent));
    ring = svgElement("circle");
    for (const [name, value] of Object.entries({ class: "ring", cx: mark.x, cy: mark.y, r: 7 })) {
      ring.setAttribute(name, value);
    }
    svg.append(ring);
    const at = ring.getBoundingClientRect();
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(at.left + at.width / 2 + 14, 8), innerWidth - box.width - 8);
    const above = at.top - box.height - 8;
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${above > 4 ? above : at.bottom + 8}px`;
  };
  const off = (figure) => figure.hiddenSeries ?? new Set();
  const visible = (figure, svg) => svg.marks.filter(({ series }) => !off(figure).has(series));
  // A figure is drawn once for a page, and once more for a small window.
  const drawings = (figure) => [...figure.querySelectorAll(".scroll > svg, .narrow > svg")];

  const nearest = (figure, svg, event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let found = null;
    let least = 1;
    for (const mark of visible(figure, svg)) {
      const across = Math.abs(at.x - mark.x) / mark.reach[0];
      const along = Math.abs(at.y - mark.y) / mark.reach[1];
      const distance = Math.hypot(across, along) / Math.SQRT2;
      if (across <= 1 && along <= 1 && distance <= least) [found, least] = [mark, distance];
    }
    return found;
  };
  const makeTelling = (figure, svg) => {
    const kept = svg.querySelector("metadata");
    const groups = kept ? JSON.parse(kept.textContent) : [];
    svg.marks = groups.flatMap(({ series, names, reach, marks }) =>
      marks.map(([x, y, ...texts]) => ({ series, names, reach, x, y, texts })));
    if (!svg.marks.length) return;
    const point = (event) => say(svg, nearest(figure, svg, event));
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", () => say(svg, null));
    const box = svg.parentElement;
    let place = -1;
    box.addEventListener("blur", () => { place = -1; say(svg, null); });
    box.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") say(svg, null);
      if (!step || document.body.classList.contains("lecture")) return;
      event.preventDefault();
      const marks = visible(figure, svg);
      if (!marks.length) return;
      place = (place + step + marks.length) % marks.length;
      const scale = svg.clientWidth / svg.viewBox.baseVal.width;
      box.scrollLeft = marks[place].x * scale - box.clientWidth / 2;
      say(svg, marks[place]);
    });
    box.setAttribute("aria-label", `${box.getAttribute("aria-label")}; arrow keys step through its values`);
  };

  // Series, shown and hidden by their labels --------------------------------------------------------
  const GAP = 16;
  // The labels that are seen, panel by panel, moved down as far as keeps them apart.
  const spread = (svg) => {
    const panels = {};
    for (const part of svg.querySelectorAll("[data-label]")) {
      part.removeAttribute("transform");
      if (part.hasAttribute("data-off")) continue;
      const names = panels[part.dataset.panel] ??= {};
      (names[part.dataset.label] ??= []).push(part);
    }
    for (const names of Object.values(panels)) {
      const labels = Object.values(names).map((parts) => {
        const boxes = parts.map((part) => part.getBBox());
        const top = Math.min(...boxes.map(({ y }) => y));
        return { parts, top, height: Math.max(...boxes.map(({ y, height }) => y + height)) - top };
      });
      labels.sort((a, b) => a.top - b.top);
      let free = -Infinity;
      for (const { parts, top, height } of labels) {
        const down = Math.max(0, free - top);
        if (down) for (const part of parts) part.setAttribute("transform", `translate(0 ${down.toFixed(2)})`);
        free = top + down + Math.max(GAP, height);
      }
    }
  };
  const toggle = (figure, name, isOn) => {
    figure.hiddenSeries = off(figure);
    if (isOn) figure.hiddenSeries.delete(name);
    else figure.hiddenSeries.add(name);
    for (const svg of drawings(figure)) {
      for (const part of svg.querySelectorAll("[data-series], [data-label]")) {
        if ((part.dataset.series ?? part.dataset.label) !== name) continue;
        part.toggleAttribute("data-off", !isOn);
      }
      spread(svg);
    }
    for (const one of figure.querySelectorAll(".series button")) {
      if (one.textContent === name) one.setAttribute("aria-pressed", String(isOn));
    }
  };
  const makeToggling = (figure, svg) => {
    const names = [...new Set([...svg.querySelectorAll("[data-series]")].map((part) => part.dataset.series))];
    figure.names = names;
    if (names.length < 2) return null;
    const group = make("div", "toolbar series", "Show ");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Series of this figure");
    for (const name of names) {
      const isOn = ![...svg.querySelectorAll("[data-series]")].some((part) =>
        part.dataset.series === name && part.hasAttribute("data-off"));
      const one = make("button", "", name);
      one.type = "button";
      one.setAttribute("aria-pressed", String(isOn));
      one.addEventListener("click", () => toggle(figure, name, one.getAttribute("aria-pressed") !== "true"));
      group.append(one);
      if (!isOn) toggle(figure, name, false);
    }
    for (const drawn of drawings(figure)) {
      drawn.addEventListener("click", (event) => {
        const label = event.target.closest("[data-label]");
        if (label) toggle(figure, label.dataset.label, false);
      });
    }
    return group;
  };

  // A figure as a file of its own, on white as on paper ---------------------------------------------
  const lightColours = () => {
    const root = [...document.styleSheets[0].cssRules].find((rule) => rule.selectorText === ":root");
    return [...root.style].filter((name) => name.startsWith("--"))
      .map((name) => [name, root.style.getPropertyValue(name).trim()]);
  };
  const asSvg = (svg) => {
    const copy = svg.cloneNode(true);
    for (const part of copy.querySelectorAll("metadata, .ring, [data-off]")) part.remove();
    const { width, height } = svg.viewBox.baseVal;
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    copy.removeAttribute("style");
    const looks = svgElement("style");
    looks.textContent = "svg { font-family: system-ui, 'Liberation Sans', Arial, sans-serif; background: #fff }"
      + " text { fill: var(--ink) } * { stroke-linejoin: round; stroke-linecap: butt }";
    const paper = svgElement("rect");
    for (const [name, value] of Object.entries({ width, height, fill: "#ffffff" })) paper.setAttribute(name, value);
    copy.prepend(looks, paper);
    let text = new XMLSerializer().serializeToString(copy);
    for (const [name, value] of lightColours()) text = text.replaceAll(`var(${name})`, value);
    return text;
  };
  const savePng = (svg, name, status) => {
    const image = new Image();
    image.addEventListener("load", () => {
      const { width, height } = svg.viewBox.baseVal;
      const canvas = make("canvas");
      canvas.width = 2 * width;
      canvas.height = 2 * height;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => {
        save(`${name}.png`, blob, "image/png");
        status.textContent = `Saved ${name}.png`;
      });
    });
    image.addEventListener("error", () => { status.textContent = "The browser could not draw it"; });
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(asSvg(svg))}`;
  };
  const makeSaving = (figure) => {
    const now = () => figure.querySelector(".scroll > svg"); // a figure that plays draws itself anew
    const group = make("div", "toolbar");
    const status = newStatus();
    group.append("Save ");
    group.append(button("SVG", "Save figure as SVG", () => {
      save(`${figure.id}.svg`, asSvg(now()), "image/svg+xml");
      status.textContent = `Saved ${figure.id}.svg`;
    }));
    group.append(button("PNG", "Save figure as PNG", () => savePng(now(), figure.id, status)), status);
    return group;
  };

  const figures = [...document.querySelectorAll("figure[id]")].filter((figure) => figure.querySelector(".scroll > svg"));
  for (const figure of figures) {
    const svg = figure.querySelector(".scroll > svg");
    for (const drawn of drawings(figure)) makeTelling(figure, drawn);
    const series = makeToggling(figure, svg);
    const after = figure.querySelector("details") ?? null;
    if (series) figure.insertBefore(series, after);
    figure.insertBefore(makeSaving(figure), after);
  }

  // One filter for the page: rows of tables, and series of figures, that have every word ------------
  const place = document.querySelector("#answer");
  if (!place || (!tables.length && !figures.length)) return;
  const box = make("div", "toolbar filter");
  const label = make("label", "", "Filter this page ");
  const input = make("input");
  const status = newStatus();
  input.type = "search";
  label.append(input);
  box.append(label, status);
  place.after(box);
  const before = new Map();
  const has = (text, wanted) => wanted.every((word) => text.toLowerCase().includes(word));
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [rows, all, about] = [0, 0, 0];
    for (const table of tables) {
      const every = [...table.tBodies].flatMap((body) => [...body.rows]);
      const kept = every.filter((row) => has([...row.cells].map(words).join(" "), wanted));
      // a table that knows none of the words is about something else, and stays whole
      for (const row of every) row.hidden = kept.length > 0 && !kept.includes(row);
      if (!kept.length) continue;
      [rows, all, about] = [rows + kept.length, all + every.length, about + 1];
    }
    for (const figure of figures) {
      if (figure.names.length < 2) continue;
      if (!before.has(figure)) before.set(figure, new Set(off(figure)));
      const kept = figure.names.filter((name) => has(name, wanted));
      const was = before.get(figure);
      for (const name of figure.names) {
        toggle(figure, name, wanted.length && kept.length ? kept.includes(name) : !was.has(name));
      }
      if (!wanted.length) before.delete(figure);
    }
    box.classList.toggle("acts", wanted.length > 0);
    status.textContent = wanted.length ? `${rows} of ${all} rows in ${about} of ${tables.length} tables` : "";
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea");
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape" && event.target === input) {
      input.value = "";
      input.dispatchEvent(new Event("input"));
    }
  });
})();

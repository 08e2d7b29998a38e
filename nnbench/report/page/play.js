// Figures that play: walks over a landscape that a reader chooses, and lines epoch by epoch.
(() => {
  const { make, button } = hands;
  const SVG = "http://www.w3.org/2000/svg";
  const PAUSE = 110; // milliseconds from one step of a walk to the next
  const LONG = 600; // from one epoch to the next
  const shape = (tag, looks, parent) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(looks)) element.setAttribute(name, value);
    parent.append(element);
    return element;
  };

  // A button that plays, and a slider, over frames 0 to last(); `show` draws one and says what it is.
  const player = (noun, last, show, pause) => {
    const bar = make("div", "toolbar play");
    const slider = make("input");
    const said = make("span", "said");
    slider.type = "range";
    slider.min = 0;
    slider.setAttribute("aria-label", noun);
    let timer = null;
    const stop = () => {
      clearInterval(timer);
      timer = null;
      start.textContent = "Play";
    };
    const draw = (frame) => {
      slider.max = last();
      slider.value = frame;
      said.textContent = show(Number(slider.value));
      slider.setAttribute("aria-valuetext", said.textContent);
    };
    const start = button("Play", "", () => {
      if (timer) return stop();
      start.textContent = "Pause";
      if (Number(slider.value) >= last()) draw(0);
      timer = setInterval(() => {
        draw(Number(slider.value) + 1);
        if (Number(slider.value) >= last()) stop();
      }, pause);
    });
    start.removeAttribute("aria-label");
    slider.addEventListener("input", () => { stop(); draw(Number(slider.value)); });
    bar.append(start, slider, said);
    draw(last());
    return { bar, again: () => { stop(); draw(last()); } };
  };

  const chooser = (label, act) => {
    const box = make("label", "group", `${label} `);
    const select = make("select");
    select.addEventListener("change", act);
    box.append(select);
    const fill = (names, wanted) => {
      const before = wanted ?? select.value;
      select.replaceChildren(...names.map((name) => {
        const option = make("option", "", name);
        option.value = name;
        return option;
      }));
      select.value = names.includes(before) ? before : names[0];
      box.hidden = names.length < 2;
    };
    return { box, fill, get value() { return select.value; } };
  };

  // Walks: of one optimizer, or of one beside another ----------------------------------------------
  const NOBODY = "nobody";
  const ENDS = { 1: "at a global minimum", 0: "elsewhere", "-1": "diverged" };
  const points = (deltas) => {
    const found = [];
    for (let i = 0, x = 0, y = 0; i < deltas.length; i += 2) found.push([x += deltas[i], y += deltas[i + 1]]);
    return found;
  };
  const makeStage = (figure, kept) => {
    const { scenes, steps, first, about } = JSON.parse(kept.textContent);
    const grounds = [...figure.querySelectorAll("template")];
    const holder = figure.querySelector(".scroll");
    let svg;
    let moment = [0];
    let walks = [];
    const scene = () => scenes.find(({ name }) => name === landscape.value);

    const show = (frame) => {
      const step = moment[frame];
      for (const walk of walks) {
        const done = walk.steps.filter((one) => one <= step).length;
        walk.line.setAttribute("points", walk.points.slice(0, done).join(" "));
        walk.dots.setAttribute("d", walk.points.slice(0, done).map(([x, y]) => `M${x} ${y}h0`).join(""));
        const [x, y] = walk.points[done - 1];
        const ended = done === walk.points.length;
        walk.head.setAttribute("transform", `translate(${x} ${y})`);
        const form = !ended ? "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0" : walk.end === 1 ? "M0 -7L7 0 0 7 -7 0z"
          : "M-7 -4L-4 -7 0 -3 4 -7 7 -4 3 0 7 4 4 7 0 3 -4 7 -7 4 -3 0z";
        walk.head.setAttribute("d", form);
      }
      return `step ${step} of ${moment.at(-1)}`;
    };
    const draw = () => {
      const place = scenes.indexOf(scene());
      figure.querySelector(".caption").textContent = about[place];
      svg = grounds[place].content.querySelector("svg").cloneNode(true);
      holder.replaceChildren(svg);
      const [left, top, width, height] = scene().box;
      const inside = shape("svg", { x: left, y: top, width, height, viewBox: `${left} ${top} ${width} ${height}`, overflow: "hidden" }, svg);
      const key = shape("g", { "font-size": 12 }, svg);
      walks = [];
      pairs.forEach(({ optimizer, rate }, number) => {
        if (optimizer.value === NOBODY) return;
        const own = scene().arms[optimizer.value][rate.value][mark.value] ?? [];
        const wanted = own.filter(([begin]) => start.value === "all" || `${begin + 1}` === start.value);
        const color = `var(--series-${number + 1})`;
        const ends = Object.entries(ENDS).map(([end, words]) => [wanted.filter((walk) => `${walk[1]}` === end).length, words]);
        const said = ends.filter(([count]) => count).map(([count, words]) => (wanted.length > 1 ? `${count} ${words}` : words)).join(", ");
        const text = shape("text", { x: 21, y: 68 + 24 * number }, key);
        text.textContent = `${optimizer.value}${rate.box.hidden ? "" : ` (${rate.value})`}: ${said || "not run"}`;
        shape("rect", { x: 4, y: 59 + 24 * number, width: 10, height: 10, style: `fill: ${color}` }, key);
        for (const [, end, which, deltas] of wanted) {
          const way = points(deltas);
          const line = shape("polyline", { style: `fill: none; stroke: ${color}; stroke-width: 1.5` }, inside);
          const dots = shape("path", { style: `fill: none; stroke: ${color}; stroke-width: 3.4; stroke-linecap: round` }, inside);
          const [x, y] = way[0];
          shape("circle", { cx: x, cy: y, r: 4.5, style: `fill: var(--paper); stroke: ${color}; stroke-width: 1.6` }, inside);
          const head = shape("path", { style: `fill: ${color}` }, inside);
          walks.push({ points: way, steps: steps[which], end, line, dots, head });
        }
      });
      moment = [...new Set(walks.flatMap((walk) => walk.steps))].sort((a, b) => a - b);
      if (!moment.length) moment = [0];
    };
    const refill = (wanted) => {
      const { arms } = scene();
      const names = Object.keys(arms);
      pairs.forEach(({ optimizer, rate }, number) => {
        optimizer.fill(number ? [NOBODY, ...names] : names, wanted?.arms[number]?.[0]);
        const levels = Object.keys(arms[optimizer.value] ?? {});
        rate.fill(levels.length ? levels : [""], wanted?.arms[number]?.[1]);
      });
      const every = pairs.flatMap(({ optimizer, rate }) => Object.entries(arms[optimizer.value]?.[rate.value] ?? {}));
      mark.fill([...new Set(every.map(([name]) => name))], wanted?.mark);
      const starts = [...new Set(every.flatMap(([, own]) => own.map(([begin]) => begin)))].sort((a, b) => a - b);
      start.fill([...starts.map((begin) => `${begin + 1}`), "all"], wanted && `${wanted.start + 1}`);
    };
    const act = () => { refill(); draw(); play.again(); };
    const landscape = chooser("Landscape", act);
    const pairs = ["", "beside "].map((word) => ({
      optimizer: chooser(word ? "beside" : "Optimizer", act), rate: chooser("with", act),
    }));
    const mark = chooser("and", act);
    const start = chooser("from start", act);
    landscape.fill(scenes.map(({ name }) => name), scenes[first.scene].name);
    refill(first);
    draw();
    const play = player("Step", () => moment.length - 1, show, PAUSE);
    const choices = make("div", "toolbar play");
    choices.append(landscape.box, ...pairs.flatMap(({ optimizer, rate }) => [optimizer.box, rate.box]), mark.box, start.box);
    figure.querySelector(".drawing").before(choices, play.bar);
    figure.classList.add("played");
  };

  // Frames: parts of a drawing that come one after the other, in both of its sizes ------------------
  const makeFrames = (figure) => {
    const parts = [...figure.querySelectorAll("[data-frame]")];
    const frames = [...new Map(parts.map((part) => [Number(part.dataset.frame), part.dataset.said]))]
      .sort(([a], [b]) => a - b);
    if (frames.length < 2) return;
    const show = (frame) => {
      const [now, said] = frames[frame];
      for (const part of parts) {
        part.classList.toggle("ahead", Number(part.dataset.frame) > now);
        part.classList.toggle("shown", Number(part.dataset.frame) === now);
      }
      return said;
    };
    const { bar } = player("Epoch", () => frames.length - 1, show, LONG);
    figure.querySelector(".drawing").before(bar);
  };
  for (const figure of document.querySelectorAll("figure:has([data-frame])")) makeFrames(figure);
  for (const kept of document.querySelectorAll('figure > script[type="application/json"]')) {
    makeStage(kept.parentElement, kept);
  }
})();

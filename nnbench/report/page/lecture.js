// The lecture: one finding a screen. `#lecture` or the key l begins it; Escape ends it.
(() => {
  const { make, button } = hands;
  const headline = document.querySelector("main > header");
  const figures = [...document.querySelectorAll("main figure[id]")];
  if (!headline || !figures.length) return;
  const screens = [[headline], ...figures.map((figure) => {
    const section = figure.closest("section");
    const shown = [section, figure];
    // the answer's sentence is the title of its figure; a topic's is its heading
    if (section.id === "answer") shown.push(section.querySelector(".answer"));
    else shown.push(section.querySelector("h2"));
    return shown;
  })];
  const address = (number) => (number ? `#lecture-${number + 1}` : "#lecture");
  let now = -1;
  let before = "";

  const bar = make("div", "toolbar stage");
  bar.setAttribute("role", "navigation");
  bar.setAttribute("aria-label", "Lecture");
  const count = make("span", "status");
  count.setAttribute("role", "status");
  const go = (number) => {
    for (const part of document.querySelectorAll(".now")) part.classList.remove("now");
    now = Math.min(Math.max(number, 0), screens.length - 1);
    for (const part of screens[now]) part.classList.add("now");
    for (const details of document.querySelectorAll("figure.now details")) details.open = true;
    document.body.classList.add("lecture");
    count.textContent = `${now + 1} of ${screens.length}`;
    history.replaceState(null, "", address(now));
    scrollTo(0, 0);
  };
  const leave = () => {
    document.body.classList.remove("lecture");
    const at = screens[now]?.[1] ?? headline;
    now = -1;
    history.replaceState(null, "", before || location.pathname);
    at.scrollIntoView();
  };
  const turn = () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  };
  const begin = () => {
    before = location.hash.startsWith("#lecture") ? "" : location.hash;
    const named = /^#lecture-(\d+)$/.exec(location.hash);
    const here = figures.findIndex((figure) => `#${figure.id}` === location.hash);
    go(named ? Number(named[1]) - 1 : here + 1);
  };
  bar.append(
    button("\u2190", "Previous screen", () => go(now - 1)), count,
    button("\u2192", "Next screen", () => go(now + 1)),
    button("Light or dark", "Light or dark", turn), button("End", "End the lecture", leave),
    make("span", "quiet", "keys: \u2190 \u2192, p plays, d, Esc; the speaker\u2019s numbers are below"));
  document.body.append(bar);

  const MOVES = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const isOn = now >= 0;
    if (!isOn) {
      if (event.key === "l") begin();
      return;
    }
    if (event.key === "Escape" || event.key === "l") leave();
    else if (event.key === "d") turn();
    else if (event.key === "p") document.querySelector("figure.now .play button")?.click();
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(screens.length - 1);
    else if (event.key in MOVES && !(event.key === " " && event.target.closest("button, summary"))) go(now + MOVES[event.key]);
    else return;
    event.preventDefault();
  });
  addEventListener("hashchange", () => {
    if (/^#lecture(-\d+)?$/.test(location.hash)) begin();
  });
  if (/^#lecture(-\d+)?$/.test(location.hash)) begin();
})();

// Filters the cards; the page is whole without it.
const box = document.querySelector(".search");
const input = box.querySelector("input");
const output = box.querySelector("output");
const cards = [...document.querySelectorAll("article")];
const groups = [...document.querySelectorAll(".group, main > section")];
const index = document.querySelector(".index");
const nothing = document.querySelector(".none-found");

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    card.hidden = !words.every((word) => card.dataset.words.includes(word));
    shown += !card.hidden;
  }
  for (const group of groups) group.hidden = !group.querySelector("article:not([hidden])");
  index.hidden = words.length > 0;
  nothing.hidden = shown > 0;
  output.textContent = words.length ? `${shown} of ${cards.length}` : "";
}

box.hidden = false;
input.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== input) {
    event.preventDefault();
    input.focus();
  } else if (event.key === "Escape" && document.activeElement === input) {
    input.value = "";
    filter();
  }
});
// a link to a card that the filter hides must still arrive
window.addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.closest("[hidden]")) {
    input.value = "";
    filter();
    target.scrollIntoView();
  }
});
filter();

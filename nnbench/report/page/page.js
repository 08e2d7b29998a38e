// Tables that sort, filter and copy themselves. Without this they are plain tables.
"use strict";
(() => {
  const MINUS = /\u2212/g;
  const PLAIN_NUMBER = /^[+-]?[\d.,]+(e[+-]?\d+)?$/;

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };

  // What a cell says, without the marks that are there for the eye only.
  const words = (cell) => {
    const copy = cell.cloneNode(true);
    for (const mark of copy.querySelectorAll("[aria-hidden]")) mark.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const headings = (table) => [...table.tHead.rows[0].cells].map(words);
  const shown = (table) => [...table.tBodies[0].rows].filter((row) => !row.hidden);

  // Three forms to copy. A comma-separated column with intervals becomes four columns of numbers.
  const numbers = (cell) => [
    cell.dataset.value ?? words(cell), cell.dataset.low ?? "", cell.dataset.high ?? "", cell.dataset.n ?? "",
  ];
  const quoted = (value) => {
    let text = value.replace(MINUS, "-");
    // A spreadsheet would run such a text as a formula.
    if (/^[=+\-@\t\r]/.test(text) && !PLAIN_NUMBER.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const asCsv = (table) => {
    const rows = shown(table);
    const names = headings(table);
    const wide = names.map((_, i) => rows.some((row) => row.cells[i].dataset.low !== undefined));
    const first = names.flatMap((name, i) =>
      wide[i] ? [name, `${name} low`, `${name} high`, `${name} n`] : [name]);
    const others = rows.map((row) => [...row.cells].flatMap((cell, i) =>
      wide[i] ? numbers(cell) : [cell.dataset.value ?? words(cell)]));
    return [first, ...others].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
  };
  const asMarkdown = (table) => {
    const escaped = (text) => text.replace(/[\\`*_{}[\]<>|#~$&]/g, "\\$&");
    const line = (cells) => `| ${cells.join(" | ")} |`;
    const rule = [...table.tHead.rows[0].cells].map((cell) =>
      cell.classList.contains("number") ? "---:" : "---");
    const rows = shown(table).map((row) => line([...row.cells].map((cell) => escaped(words(cell)))));
    return [line(headings(table).map(escaped)), line(rule), ...rows].join("\n") + "\n";
  };
  const LATEX = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%",
    "_": "\\_", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}",
    ">": "\\textgreater{}", "\u2212": "$-$", "\u2013": "--", "\u00b2": "\\textsuperscript{2}",
  };
  const asLatex = (table) => {
    const escaped = (text) => text.replace(/[\\{}$&#%_^~<>\u2212\u2013\u00b2]/g, (c) => LATEX[c]);
    // A row must not begin with a bracket: LaTeX would take it for the space after the row before.
    const line = (cells) => `${cells.map((c) => (c.startsWith("[") ? `{}${c}` : c)).join(" & ")} \\\\`;
    const kinds = [...table.tHead.rows[0].cells].map((cell) =>
      cell.classList.contains("number") ? "r" : "l").join("");
    const rows = shown(table).map((row) => line([...row.cells].map((cell) => escaped(words(cell)))));
    return ["% needs \\usepackage{booktabs}", `\\begin{tabular}{${kinds}}`, "\\toprule",
      line(headings(table).map(escaped)), "\\midrule", ...rows, "\\bottomrule", "\\end{tabular}", ""].join("\n");
  };
  const FORMS = { "CSV": asCsv, "Markdown": asMarkdown, "LaTeX": asLatex };

  const copyBySelection = (text) => {
    const area = make("textarea", "aside");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  };

  // Sorting: by number where a cell has one, else by its words; what has no number comes last.
  const sortBy = (table, place, falling) => {
    const body = table.tBodies[0];
    const known = [...body.rows].map((row, order) => {
      const { value } = row.cells[place].dataset;
      return { row, order, number: value === undefined ? null : Number(value), text: words(row.cells[place]) };
    });
    const isNumber = known.some(({ number }) => number !== null);
    const compare = (a, b) => {
      if (!isNumber) return a.text.localeCompare(b.text, "en", { numeric: true });
      return a.number - b.number;
    };
    const missing = ({ number }) => isNumber && number === null;
    known.sort((a, b) => missing(a) - missing(b)
      || (missing(a) ? 0 : (falling ? -1 : 1) * compare(a, b)) || a.order - b.order);
    body.append(...known.map(({ row }) => row));
  };
  const makeSortable = (table) => {
    const cells = [...table.tHead.rows[0].cells];
    cells.forEach((cell, place) => {
      const button = make("button", "sort", cell.textContent);
      button.type = "button";
      cell.replaceChildren(button);
      button.addEventListener("click", () => {
        const before = cell.getAttribute("aria-sort");
        const falling = before ? before === "ascending" : cell.classList.contains("number");
        for (const other of cells) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
        sortBy(table, place, falling);
      });
    });
  };

  const makeTools = (table, status) => {
    const tools = make("div", "toolbar");
    const label = make("label", "", "Filter ");
    const input = make("input");
    input.type = "search";
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = [...row.cells].map(words).join(" ").toLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
      }
      status.textContent = `${shown(table).length} of ${table.tBodies[0].rows.length} rows`;
    });
    label.append(input);
    tools.append(label);
    for (const [name, form] of Object.entries(FORMS)) {
      const button = make("button", "", `Copy ${name}`);
      button.type = "button";
      button.addEventListener("click", async () => {
        const done = await copy(form(table));
        status.textContent = done ? `Copied ${shown(table).length} rows as ${name}` : "The browser refused to copy";
      });
      tools.append(button);
    }
    tools.append(status);
    return tools;
  };

  for (const table of document.querySelectorAll("table.tools")) {
    const status = make("span", "status");
    status.setAttribute("role", "status");
    makeSortable(table);
    table.closest(".scroll").before(makeTools(table, status));
  }
})();

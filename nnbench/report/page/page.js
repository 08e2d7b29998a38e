// Tables that sort, copy and save themselves. Without this they are plain tables.
"use strict";
const hands = (() => {
  const LONGEST = 60; // letters of a cell that is no sentence
  const RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
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

  // A comma-separated column with intervals becomes four columns of numbers.
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

  // For a paper: a number, its interval and its count each have a column; sentences stay here.
  const inner = (cell, part) => {
    const found = cell.querySelector(part);
    return found ? words(found) : "";
  };
  const columnsOf = (table) => {
    const rows = shown(table);
    return headings(table).flatMap((name, i) => {
      const isNumber = table.tHead.rows[0].cells[i].classList.contains("number");
      const cells = rows.map((row) => row.cells[i]);
      const texts = cells.map((cell) => inner(cell, ".verdict, code, a, .label") || words(cell));
      const plain = texts.map((text, place) =>
        words(cells[place]).startsWith(text) ? text.replace(/^[\u25b2\u25bc\u25cb=?] /, "") : text);
      if (i > 0 && plain.some((text) => text.length > LONGEST)) return [];
      const spans = cells.map((cell) => inner(cell, ".label ~ .quiet:not(.count)"));
      const counts = cells.map((cell) => inner(cell, ".count"));
      const found = [{ name, isNumber, texts: plain }];
      if (spans.some(Boolean)) found.push({ name: "interval", isNumber: true, texts: spans });
      if (counts.some(Boolean)) {
        const noun = /^[\d,]+(?: of [\d,]+)? (\w+)/.exec(counts.find(Boolean));
        const bare = counts.map((text) => (/[\d,]+( of [\d,]+)?/.exec(text) ?? [""])[0]);
        found.push({ name: noun ? noun[1].replace(/([^s])$/, "$1s") : "n", isNumber: true, texts: bare });
      }
      return found;
    });
  };
  const rowsOf = (columns) => columns[0].texts.map((_, row) => columns.map(({ texts }) => texts[row]));
  const asMarkdown = (table) => {
    const escaped = (text) => text.replace(/[\\`*_{}[\]<>|#~$&]/g, "\\$&");
    const line = (cells) => `| ${cells.join(" | ")} |`;
    const columns = columnsOf(table);
    const rule = columns.map(({ isNumber }) => (isNumber ? "---:" : "---"));
    const rows = rowsOf(columns).map((row) => line(row.map(escaped)));
    return [line(columns.map(({ name }) => escaped(name))), line(rule), ...rows].join("\n") + "\n";
  };
  const LATEX = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%",
    "_": "\\_", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}",
    ">": "\\textgreater{}", "\u2212": "$-$", "\u2013": "--", "\u00b2": "\\textsuperscript{2}",
    "\u00a0": "~", "\u00b7": "$\\cdot$", "\u2265": "$\\geq$", "\u2264": "$\\leq$", "\u2026": "\\ldots{}", "\u00d7": "$\\times$",
  };
  const asLatex = (table) => {
    const escaped = (text) =>
      text.replace(/10([\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)/g, (_, power) =>
        `10\ue000${[...power].map((c) => (c === "\u207b" ? "-" : RAISED.indexOf(c))).join("")}\ue001`)
        .replace(/[\\{}$&#%_^~<>\u2212\u2013\u00b2\u00a0\u00b7\u2264\u2265\u2026\u00d7]/g, (c) => LATEX[c])
        .replace(/\ue000([^\ue001]*)\ue001/g, "$^{$1}$");
    // A row must not begin with a bracket: LaTeX would take it for the space after the row before.
    const line = (cells) => `${cells.map((c) => (c.startsWith("[") ? `{}${c}` : c)).join(" & ")} \\\\`;
    const columns = columnsOf(table);
    const kinds = columns.map(({ isNumber }) => (isNumber ? "r" : "l")).join("");
    const rows = rowsOf(columns).map((row) => line(row.map(escaped)));
    return ["% needs \\usepackage{booktabs}", `\\begin{tabular}{${kinds}}`, "\\toprule",
      line(columns.map(({ name }) => escaped(name))), "\\midrule", ...rows, "\\bottomrule",
      "\\end{tabular}", ""].join("\n");
  };
  const FORMS = { CSV: [asCsv, "csv"], Markdown: [asMarkdown, "md"], LaTeX: [asLatex, "tex"] };

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

  const button = (text, label, act) => {
    const element = make("button", "", text);
    element.type = "button";
    element.setAttribute("aria-label", label);
    element.addEventListener("click", act);
    return element;
  };
  const save = (name, content, kind) => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([content], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // What a file is called: by the figure or the section that it comes from.
  const nameOf = (element) => {
    const holder = element.closest("figure[id]") ?? element.closest("section[id]");
    return holder ? holder.id : "page";
  };
  const makeTools = (table, status) => {
    const tools = make("div", "toolbar");
    const name = nameOf(table);
    for (const [verb, act] of [["Copy", null], ["Save", save]]) {
      const group = make("span", "group", `${verb} `);
      for (const [form, [write, ending]] of Object.entries(FORMS)) {
        group.append(button(form, `${verb} table as ${form}`, async () => {
          const count = shown(table).length;
          if (act) act(`${name}.${ending}`, write(table), "text/plain");
          const done = act || await copy(write(table));
          const said = `${act ? "Saved" : "Copied"} ${count} rows as ${form}`;
          status.textContent = done ? said : "The browser refused to copy";
        }));
      }
      tools.append(group);
    }
    tools.append(status);
    return tools;
  };
  const newStatus = () => {
    const status = make("span", "status");
    status.setAttribute("role", "status");
    return status;
  };

  const tables = [...document.querySelectorAll(".scroll > table")].filter((table) => table.tHead);
  for (const table of tables) {
    makeSortable(table);
    table.closest(".scroll").before(makeTools(table, newStatus()));
  }
  return { make, button, save, words, shown, tables, newStatus };
})();

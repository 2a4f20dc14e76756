/* Buttons that copy: a text next to a [data-copy], and each table as Markdown, CSV or LaTeX. */
"use strict";
const copying = (() => {
  /* Where the page may not use the clipboard, as in files in some browsers, the text is selected and copied by command. */
  const bySelection = (text) => {
    const before = document.activeElement;
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    area.setAttribute("aria-hidden", "true");
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (before) before.focus({ preventScroll: true });
    return done;
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return bySelection(text);
    }
  };

  const textOf = (cell) => {
    const walk = (node) => {
      if (node.nodeType === Node.TEXT_NODE) return node.data;
      if (node.matches("svg, .badge > [aria-hidden]")) return ""; // drawings, and signs that repeat a word
      const inside = [...node.childNodes].map(walk).join("");
      return node.nodeName === "SPAN" ? ` ${inside} ` : inside;
    };
    return walk(cell).replace(/\s+/g, " ").trim();
  };
  const read = (table) => {
    const rows = [...table.rows].map((row) => [...row.cells].map(textOf));
    const [head, body] = table.tHead ? [rows[0], rows.slice(1)] : [rows[0].map(() => ""), rows];
    const isNumber = (text) => /^[−-]?[\d,]*\.?\d+( × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?$/.test(text);
    const numbers = head.map((_, place) => {
      const values = body.map((row) => row[place]).filter((text) => text && text !== "–");
      return values.length > 0 && values.every(isNumber);
    });
    return { head, body, numbers };
  };

  const markdown = ({ head, body, numbers }) => {
    const line = (cells) => `| ${cells.map((text) => text.replace(/[\\`*_<>|]/g, "\\$&")).join(" | ")} |`;
    return [line(head), `|${numbers.map((right) => (right ? "---:" : "---")).join("|")}|`, ...body.map(line)].join("\n") + "\n";
  };
  /* A program reads the values: minus signs and powers of ten as in code, no thousands separators. */
  const plain = (text) => {
    const digits = (raised) => [...raised].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(sign)).map((digit) => (digit < 0 ? "-" : digit)).join("");
    return text.replace(/−/g, "-").replace(/,/g, "").replace(/ × 10(.+)$/, (_, raised) => "e" + digits(raised)).replace(/^–$/, "");
  };
  const csv = ({ head, body, numbers }) => {
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
    const lines = [head, ...body.map((row) => row.map((text, place) => (numbers[place] ? plain(text) : text)))];
    return lines.map((cells) => cells.map(quoted).join(",") + "\r\n").join("");
  };
  const SIGNS = {
    "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "$<$", ">": "$>$", "|": "$|$",
    "−": "$-$", "±": "$\\pm$", "×": "$\\times$", "≤": "$\\le$", "≥": "$\\ge$", "≈": "$\\approx$", "∞": "$\\infty$",
    "★": "$\\star$", "✓": "$\\checkmark$", "✗": "$\\times$", "∅": "$\\varnothing$", "↑": "$\\uparrow$", "↓": "$\\downarrow$", "→": "$\\to$", "·": "$\\cdot$", "–": "--", "…": "\\ldots{}", "µ": "$\\mu$",
    "“": "``", "”": "''", "[": "{[}", "]": "{]}",
  };
  const latexText = (text) => text
    .replace(/[\\~^<>|−±×≤≥≈∞★✓✗∅↑↓→·–…µ“”[\]]|[&%$#_{}]/g, (sign) => SIGNS[sign] || "\\" + sign)
    .replace(/[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (raised) => `$^{${[...raised].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(sign)).map((digit) => (digit < 0 ? "-" : digit)).join("")}}$`);
  const latex = ({ head, body, numbers }, label) => {
    const line = (cells) => cells.map(latexText).join(" & ") + " \\\\";
    return [
      `% ${label.replace(/\s+/g, " ")}`, "% \\usepackage{booktabs}, \\usepackage{amssymb}",
      `\\begin{tabular}{${numbers.map((right) => (right ? "r" : "l")).join("")}}`, "\\toprule", line(head), "\\midrule",
      ...body.map(line), "\\bottomrule", "\\end{tabular}", "",
    ].join("\n");
  };

  const status = document.createElement("p");
  status.className = "hidden";
  status.setAttribute("role", "status");
  document.querySelector("main").append(status);
  const button = (text, label, content) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", async () => {
      const done = await copy(content());
      made.textContent = done ? "Copied" : "Not copied";
      status.textContent = done ? "Copied to the clipboard" : "The browser does not let this page use the clipboard";
      setTimeout(() => { made.textContent = text; }, 1500);
    });
    return made;
  };

  for (const place of document.querySelectorAll("[data-copy]")) {
    place.append(button(`Copy ${place.dataset.copyName || "as a sentence"}`, "", () => place.dataset.copy));
  }
  const FORMATS = [["Markdown", markdown], ["CSV", csv], ["LaTeX", latex]];
  for (const place of document.querySelectorAll(".copies")) {
    const table = () => {
      let before = place.previousElementSibling;
      while (before && !before.matches("table") && !before.querySelector("table")) before = before.previousElementSibling;
      return before && (before.matches("table") ? before : before.querySelector("table"));
    };
    const found = table();
    if (!found) continue;
    const label = found.caption ? textOf(found.caption) : found.parentElement.getAttribute("aria-label") || "Table";
    place.append("Copy as ", ...FORMATS.map(([name, write]) => button(name, `${label}: copy as ${name}`, () => write(read(table()), label))));
  }
  return { read, markdown, csv, latex };
})();

/* Printing opens what is folded, and folds it again. */
(() => {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
    opened = [];
  });
})();

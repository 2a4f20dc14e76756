/* The table of all trials: sorted, filtered, searched, paged, with the columns one chooses, and downloaded. */
"use strict";
const trials = (() => {
  const table = document.getElementById("table");
  if (!table) return null;
  const data = JSON.parse(document.getElementById("trials-data").textContent);
  const names = Object.keys(data.columns);
  const numeric = (name) => "number" in data.columns[name];
  const value = (name, row) => {
    const column = data.columns[name];
    if (numeric(name)) return column.number.length === 1 ? column.number[0] : column.number[row];
    return column.text[column.at.length ? column.at[row] : 0];
  };
  const shown = (name, row) => {
    const entry = value(name, row);
    if (entry === null || entry === undefined) return "";
    return typeof entry === "number" ? entry.toLocaleString("en-US", { maximumSignificantDigits: 6 }) : entry;
  };
  const title = (name) => name.replaceAll("_", " ");
  const PAGE = 50;
  const page = () => Math.max(0, (parseInt(view.get().page, 10) || 1) - 1);
  let rows = [];

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  /* Tools */
  const search = make("input", { type: "search", name: "search", placeholder: "any column" });
  const several = (name) => data.columns[name]?.text?.length > 1;
  const filters = ["folder", "task", "dataset", "cell", "status"].filter(several).map((name) => {
    const select = make("select", { name }, make("option", { value: "", textContent: "all" }));
    data.columns[name].text.forEach((text) => select.append(make("option", { value: text, textContent: text.slice(0, 40) })));
    return select;
  });
  const boxes = names.map((name) => make("input", { type: "checkbox", name: "column", value: name }));
  const [csv, json] = ["CSV", "JSON"].map((format) => make("button", { type: "button", textContent: "Download " + format }));
  const tools = make("form", { className: "tools", ariaLabel: "Which trials and columns" },
    make("label", { className: "choice" }, "Search ", search),
    ...filters.map((select) => make("label", { className: "choice" }, title(select.name) + " ", select)),
    make("details", { className: "chooser" }, make("summary", { textContent: "Columns" }),
      make("div", {}, ...boxes.map((box) => make("label", {}, box, title(box.value))))),
    csv, json);
  table.prepend(tools);
  const said = table.querySelector(".paging");
  const whole = Number(table.dataset.total) > data.rows ? said.textContent.replace(/^[^.]*\./, "") : "";
  const count = make("span", { role: "status" });
  const back = make("button", { type: "button", textContent: "Previous" });
  const on = make("button", { type: "button", textContent: "Next" });
  said.replaceChildren(back, on, count);

  const columns = () => {
    const chosen = view.get().columns;
    const wanted = (chosen || table.dataset.visible).split(/[ ,]/);
    return names.filter((name) => wanted.includes(name));
  };
  const order = () => {
    const [name, way] = (view.get().sort || "").split(":");
    return names.includes(name) ? [name, way === "down" ? -1 : 1] : [null, 1];
  };
  const select = () => {
    const words = (view.get().search || "").toLowerCase().split(/\s+/).filter(Boolean);
    const asked = filters.map((filter) => [filter.name, view.get()[filter.name]])
      .filter(([name, wanted]) => wanted && data.columns[name].text.includes(wanted));
    rows = [];
    for (let row = 0; row < data.rows; row++) {
      if (asked.some(([name, wanted]) => value(name, row) !== wanted)) continue;
      if (words.length) {
        const text = names.map((name) => value(name, row)).join(" ").toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
      }
      rows.push(row);
    }
    const [name, sign] = order();
    if (!name) return;
    const empty = (entry) => entry === null || entry === undefined || entry === "";
    rows.sort((a, b) => {
      const [left, right] = [value(name, a), value(name, b)];
      if (empty(left) || empty(right)) return empty(left) - empty(right) || a - b;
      return sign * (numeric(name) ? left - right : String(left).localeCompare(String(right))) || a - b;
    });
  };
  const draw = () => {
    const visible = columns();
    const [sorted, sign] = order();
    const head = make("tr", {}, ...visible.map((name) => {
      const button = make("button", { type: "button", textContent: title(name) });
      button.addEventListener("click", () => {
        const down = sorted === name && sign === 1;
        view.set({ page: "", sort: sorted === name && sign === -1 ? "" : name + (down ? ":down" : ":up") });
        const again = [...table.querySelectorAll("th button")].find((one) => one.textContent === title(name));
        if (again) again.focus();
      });
      const cell = make("th", { scope: "col", className: numeric(name) ? "number" : "" }, button);
      cell.setAttribute("aria-sort", sorted === name ? (sign === 1 ? "ascending" : "descending") : "none");
      return cell;
    }));
    table.querySelector("thead").replaceChildren(head);
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    const now = Math.min(page(), pages - 1);
    const here = rows.slice(now * PAGE, (now + 1) * PAGE);
    table.querySelector("tbody").replaceChildren(...here.map((row) => {
      const id = value("trial_id", row);
      const line = make("tr", {}, ...visible.map((name) =>
        make("td", { className: numeric(name) ? "number" : "", dir: "auto", textContent: shown(name, row) })));
      line.dataset.trial = id;
      if (line.firstChild && id) line.firstChild.replaceChildren(make("a", { href: "#trial-" + id, title: "Record of this trial" }, ...line.firstChild.childNodes));
      return line;
    }));
    back.disabled = now === 0;
    on.disabled = now >= pages - 1;
    const first = rows.length ? now * PAGE + 1 : 0;
    count.textContent = ` ${first.toLocaleString("en-US")} to ${(now * PAGE + here.length).toLocaleString("en-US")} of ${rows.length.toLocaleString("en-US")} trials.${whole}`;
  };
  const turn = (step) => {
    const next = Math.min(page(), Math.ceil(rows.length / PAGE) - 1) + step;
    view.set({ page: next ? next + 1 : "" });
  };
  back.addEventListener("click", () => turn(-1));
  on.addEventListener("click", () => turn(1));
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", (event) => {
    if (event.target.name === "column") {
      view.set({ page: "", columns: boxes.filter((box) => box.checked).map((box) => box.value).join(",") });
    } else {
      view.set({ page: "", [event.target.name]: event.target.value });
    }
  });
  let seen = null;
  view.onChange((state) => {
    const now = JSON.stringify([state.search, state.sort, state.columns, state.page, ...filters.map((filter) => state[filter.name])]);
    if (now === seen) return;
    seen = now;
    if (document.activeElement !== search) search.value = state.search || "";
    for (const filter of filters) view.choose(filter, state[filter.name]);
    const visible = columns();
    for (const box of boxes) box.checked = visible.includes(box.value);
    select();
    draw();
  });

  /* Files: the rows that are selected now, with all columns */
  const save = (text, type, ending) => {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: "trials." + ending });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const quoted = (entry) => {
    if (entry === null || entry === undefined) return "";
    if (typeof entry === "number") return String(entry);
    const safe = /^[=+\-@\t\r]/.test(entry) ? "'" + entry : entry; // a spreadsheet must not run it
    return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  };
  csv.addEventListener("click", () => save(
    [names.join(","), ...rows.map((row) => names.map((name) => quoted(value(name, row))).join(","))].join("\n") + "\n", "text/csv", "csv"));
  json.addEventListener("click", () => save(
    JSON.stringify(rows.map((row) => Object.fromEntries(names.map((name) => [name, value(name, row) ?? null]))), null, 1), "application/json", "json"));

  let places = null;
  const find = (id) => {
    places ??= new Map(Array.from({ length: data.rows }, (_, row) => [value("trial_id", row), row]));
    return places.get(id);
  };
  return { names, shown, value, find, title, make };
})();

/* The same trial in all figures, and its record: pointing at a value marks it everywhere, following it opens the record. */
"use strict";
(() => {
  const circles = () => document.querySelectorAll(".targets [data-trial]");
  const idsOf = (node) => (node && node.dataset && node.dataset.trial ? node.dataset.trial.split(" ") : []);
  let index = null;
  let marked = [];
  const unmark = () => {
    for (const node of marked) node.classList.remove("same");
    marked = [];
  };
  const mark = (ids) => {
    unmark();
    if (!ids.length) return;
    if (!index) {
      index = new Map();
      for (const circle of circles()) for (const id of idsOf(circle)) index.set(id, [...(index.get(id) || []), circle]);
    }
    for (const id of ids) marked.push(...(index.get(id) || []), ...document.querySelectorAll(`tr[data-trial="${CSS.escape(id)}"]`));
    for (const node of marked) node.classList.add("same");
  };
  const pointed = (event) => event.target.closest && event.target.closest("[data-trial]");
  document.addEventListener("pointerover", (event) => mark(idsOf(pointed(event))));
  document.addEventListener("focusin", (event) => mark(idsOf(pointed(event))));

  if (!trials) return;
  const { make } = trials;
  const element = document.getElementById("curves-data");
  const curves = element ? JSON.parse(element.textContent) : {};
  const close = make("button", { type: "button", className: "close", textContent: "Close" });
  const body = make("div", { className: "record" });
  const dialog = make("dialog", {}, make("div", { className: "dialog-head" }, close), body);
  dialog.setAttribute("aria-label", "Record of a trial");
  document.body.append(dialog);
  let from = null;

  const svg = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, entry] of Object.entries(attributes)) node.setAttribute(name, entry);
    return node;
  };
  const drawing = ([updates, losses]) => {
    const [width, height] = [320, 90];
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    const points = losses.map((loss, at) =>
      `${((updates[at] / (updates[updates.length - 1] || 1)) * width).toFixed(1)},${(4 + ((high - loss) / (high - low || 1)) * (height - 8)).toFixed(1)}`);
    const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "curve", role: "img" });
    const words = `Validation loss from ${losses[0]} after ${updates[0]} updates to ${losses[losses.length - 1]} after ${updates[updates.length - 1]}`;
    drawn.setAttribute("aria-label", words);
    drawn.append(svg("polyline", { points: points.join(" "), fill: "none", stroke: "var(--link)", "stroke-width": 1.8 }));
    return make("figure", {}, drawn, make("figcaption", { textContent: words + "." }));
  };
  const section = (title, names, row) => {
    const filled = names.filter((name) => trials.shown(name, row) !== "");
    if (!filled.length) return [];
    const list = make("dl", {}, ...filled.map((name) =>
      make("div", {}, make("dt", { textContent: trials.title(name) }), make("dd", { textContent: trials.shown(name, row), dir: "auto" }))));
    return [make("h3", { textContent: title }), list];
  };
  const isPhase = (name) => /^(seconds_|cpu_seconds|memory_)/.test(name);
  const isScore = (name) => /^(test_|train_loss|validation_loss|updates$)/.test(name);
  const isBaseline = (name) => /^(validation_)?baseline_/.test(name);
  const whole = (id) => {
    const row = trials.find(id);
    const command = `harness trial ${document.documentElement.dataset.folder || "DIR"} ${id}`;
    const repeat = [make("h3", { textContent: "Repeat it" }), make("pre", { tabIndex: 0, textContent: command })];
    if (row === undefined) {
      return [make("h2", { textContent: `Trial ${id}` }), make("p", { textContent: "This page does not hold the record of this trial. harness show prints it." }), ...repeat];
    }
    const [cell, task, seed] = ["cell", "task", "seed"].map((name) => trials.shown(name, row));
    const rest = trials.names.filter((name) => !isPhase(name) && !isScore(name) && !isBaseline(name) && !["failure", "trial_id"].includes(name));
    const failure = trials.names.includes("failure") && trials.shown("failure", row);
    return [
      make("h2", { textContent: `${task}: ${cell}, seed ${seed}`, dir: "auto" }),
      make("p", { className: "id", textContent: `trial ${id}` }),
      ...(failure ? [make("p", { className: "notice", textContent: failure, dir: "auto" })] : []),
      ...(curves[id] ? [drawing(curves[id])] : []),
      ...section("Result", trials.names.filter(isScore), row),
      ...section("Time and memory", trials.names.filter(isPhase), row),
      ...section("Baselines", trials.names.filter(isBaseline), row),
      ...section("Settings and origin", rest, row),
      ...repeat,
    ];
  };
  const open = (id) => {
    from = document.activeElement;
    body.replaceChildren(...whole(id));
    if (!dialog.open) dialog.showModal();
    close.focus();
  };
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    if ((view.get().at || "").startsWith("trial-")) view.set({ at: "" });
    if (from && from.isConnected) from.focus({ preventScroll: true });
  });
  view.onChange(({ at }) => {
    if ((at || "").startsWith("trial-")) open(at.slice(6));
    else if (dialog.open) dialog.close();
  });
  const follow = (event) => {
    const circle = event.target.closest && event.target.closest(".targets [data-trial]");
    if (!circle) return;
    event.preventDefault();
    view.set({ at: "trial-" + idsOf(circle)[0] });
  };
  document.addEventListener("click", follow);
  document.addEventListener("keydown", (event) => event.key === "Enter" && follow(event));
})();
view.start();

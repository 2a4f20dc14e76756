/* What the page shows, kept in the address: hidden cells, scale, backend, matching, theme, place, and the table's state. */
"use strict";
const view = (() => {
  const root = document.documentElement;
  const listeners = [];
  const decoded = (hash) => {
    try {
      return decodeURIComponent(hash);
    } catch {
      return hash; // a lone per cent sign is no code
    }
  };
  const read = () => {
    const hash = location.hash.slice(1);
    if (!hash.includes("=")) return hash ? { at: decoded(hash) } : {};
    return Object.fromEntries(new URLSearchParams(hash));
  };
  let state = read();

  const write = () => {
    const kept = Object.entries(state).filter(([, value]) => value !== "" && value !== undefined);
    const only = kept.length === 1 && kept[0][0] === "at";
    const hash = only ? kept[0][1] : new URLSearchParams(kept).toString();
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  };
  const show = () => listeners.forEach((listener) => listener(state));
  const set = (changes) => {
    state = { ...state, ...changes };
    write();
    show();
  };
  const choose = (select, value) => {
    select.value = value || "";
    if (select.selectedIndex < 0) select.value = "";
  };
  const go = () => {
    const target = state.at && document.getElementById(state.at);
    if (!target) return;
    for (let folded = target.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
    target.scrollIntoView();
    if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", () => {
    state = read();
    show();
    go();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    set({ at: link.getAttribute("href").slice(1) });
    go();
  });
  return { get: () => state, set, choose, onChange: (listener) => listeners.push(listener), start: () => { show(); go(); }, root };
})();

/* Theme */
(() => {
  const choice = document.querySelector("[name=theme]");
  choice.closest("label").hidden = false;
  choice.addEventListener("change", () => view.set({ theme: choice.value }));
  view.onChange(({ theme }) => {
    const known = ["light", "dark"].includes(theme) ? theme : "";
    choice.value = known;
    if (known) view.root.dataset.theme = known;
    else delete view.root.dataset.theme;
  });
})();

/* Switches of the figures */
(() => {
  const form = document.querySelector("form.view");
  if (!form) return;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  const cells = [...form.querySelectorAll("[name=cell]")];
  const scales = [...form.querySelectorAll("[name=scale]")];
  const selects = [...form.querySelectorAll("select")];
  form.addEventListener("change", () => {
    const without = cells.filter((box) => !box.checked).map((box) => box.value).join(".");
    const scale = scales.find((radio) => radio.checked).value;
    const chosen = Object.fromEntries(selects.map((select) => [select.name, select.value]));
    view.set({ without, scale: scale === "linear" ? "" : scale, ...chosen });
  });
  view.onChange((state) => {
    const without = new Set((state.without || "").split("."));
    for (const box of cells) {
      box.checked = !without.has(box.value);
      view.root.classList.toggle("without-" + box.value, !box.checked);
    }
    const log = state.scale === "log";
    for (const radio of scales) radio.checked = (radio.value === "log") === log;
    view.root.classList.toggle("log", log);
    for (const select of selects) view.choose(select, state[select.name]);
    const left_out = (element) => selects.some((select) => {
      const tag = element.dataset[select.name];
      return select.value && tag && tag !== select.value;
    });
    for (const panel of document.querySelectorAll(".panel")) panel.hidden = left_out(panel);
    for (const series of document.querySelectorAll(".figures [data-backend][data-cell]")) series.classList.toggle("off", left_out(series));
    for (const panels of document.querySelectorAll(".panels")) {
      panels.nextElementSibling.hidden = [...panels.children].some((panel) => !panel.hidden);
    }
  });
})();

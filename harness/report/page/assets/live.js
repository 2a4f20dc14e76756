/* A page from `harness serve`: reloads when its server has a newer report, and keeps the reader's place. */
"use strict";
(() => {
  const EVERY = 2000;
  const KEPT = "harness-live";
  const root = document.documentElement;

  /* A way from the nearest element that has an id: ["evidence", 3, 0]. */
  const wayTo = (element) => {
    const steps = [];
    while (element.parentElement && !element.id) {
      steps.unshift([...element.parentElement.children].indexOf(element));
      element = element.parentElement;
    }
    return [element.id, ...steps];
  };
  const at = ([id, ...steps]) => steps.reduce((node, step) => node && node.children[step], id ? document.getElementById(id) : root);

  const leave = () => {
    const opened = [...document.querySelectorAll("details[open]")].map(wayTo);
    const focus = document.activeElement === document.body ? null : wayTo(document.activeElement);
    sessionStorage.setItem(KEPT, JSON.stringify({ opened, focus, x: scrollX, y: scrollY }));
    location.reload();
  };
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  sessionStorage.removeItem(KEPT);
  if (kept) {
    for (const way of kept.opened) {
      const details = at(way);
      if (details && details.tagName === "DETAILS") details.open = true;
    }
    const focused = kept.focus && at(kept.focus);
    if (focused) focused.focus({ preventScroll: true });
    scrollTo(kept.x, kept.y);
  }

  const notice = Object.assign(document.createElement("p"), { className: "notice", hidden: true });
  notice.setAttribute("role", "status");
  notice.textContent = "The server of this page does not answer: what is shown is its last state.";
  document.querySelector("header .wide").append(notice);
  const ask = async () => {
    try {
      const answer = await fetch("state", { cache: "no-store" });
      notice.hidden = true;
      if (answer.ok && (await answer.text()) !== root.dataset.state) leave();
    } catch {
      notice.hidden = false;
    }
  };
  setInterval(() => document.hidden || ask(), EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
})();

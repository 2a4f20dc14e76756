/* The value under the pointer, or the one that the arrow keys have reached. */
"use strict";
(() => {
  const box = document.createElement("div");
  box.className = "value";
  box.hidden = true;
  document.body.append(box);

  const words = (target) => target.getAttribute("aria-label") || [target.parentElement.dataset.says, target.dataset.says].filter(Boolean).join(", ");
  let current = null;
  const show = (target) => {
    current = target;
    box.textContent = words(target);
    box.hidden = false;
    const at = target.getBoundingClientRect();
    const size = box.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - size.width / 2), document.documentElement.clientWidth - size.width - 8);
    const above = at.top - size.height - 8;
    box.style.left = left + "px";
    box.style.top = (above > 8 ? above : at.bottom + 8) + "px";
  };
  const hide = () => {
    current = null;
    box.hidden = true;
  };
  const follow = () => {
    if (!current) return;
    const at = current.getBoundingClientRect();
    if (at.bottom < 0 || at.top > innerHeight) hide();
    else show(current);
  };
  const isValue = (node) => node.matches && node.matches(".targets circle");

  document.addEventListener("pointerover", (event) => (isValue(event.target) ? show(event.target) : hide()));
  document.addEventListener("focusin", (event) => (isValue(event.target) ? show(event.target) : hide()));
  document.addEventListener("scroll", follow, { passive: true, capture: true });

  /* Left and right go through the means, cell by cell; up and down through a mean and its seeds, by value. */
  const drawn = (circles) => [...circles].filter((circle) => circle.getClientRects().length);
  const place = (circle) => circle.closest("[data-at]").dataset.at;
  const cell = (circle) => Number(circle.closest("[data-cell]").dataset.cell);
  const stops = (drawing) => {
    const means = drawn(drawing.querySelectorAll(".targets > circle"));
    const centres = means.length ? means : drawn(drawing.querySelectorAll(".targets circle"));
    return centres.sort((a, b) => cell(a) - cell(b) || a.cx.baseVal.value - b.cx.baseVal.value);
  };
  const valuesAt = (drawing, at) => {
    const inRows = "rows" in drawing.querySelector("svg").dataset;
    const value = (circle) => (inRows ? circle.cx.baseVal.value : -circle.cy.baseVal.value);
    return drawn(drawing.querySelectorAll(`.targets > circle[data-at="${at}"], .targets > [data-at="${at}"] > circle`))
      .sort((a, b) => value(a) - value(b));
  };
  const reach = (circle) => {
    if (!circle.hasAttribute("tabindex")) {
      circle.setAttribute("tabindex", "-1");
      circle.setAttribute("role", "img");
      circle.setAttribute("aria-label", words(circle));
    }
    circle.focus();
  };
  document.addEventListener("keydown", (event) => {
    const drawing = event.target.closest && event.target.closest(".drawing");
    if (!drawing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") {
      hide();
      drawing.focus();
      return;
    }
    const along = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const within = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!along && !within && event.key !== "Home" && event.key !== "End") return;
    const all = stops(drawing);
    if (!all.length) return;
    event.preventDefault();
    const here = isValue(event.target) ? event.target : null;
    const now = !here ? -1 : all.includes(here) ? all.indexOf(here) : all.findIndex((mean) => place(mean) === place(here));
    if (event.key === "Home" || (now < 0 && along)) reach(all[0]);
    else if (event.key === "End") reach(all[all.length - 1]);
    else if (along) reach(all[(now + along + all.length) % all.length]);
    else {
      const column = valuesAt(drawing, place(here || all[0]));
      const at = column.indexOf(here || all[0]);
      reach(column[Math.min(Math.max(at + within, 0), column.length - 1)]);
    }
  });
})();

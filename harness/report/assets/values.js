/* The value under the pointer, or the one that the arrow keys have reached. */
"use strict";
(() => {
  const box = document.createElement("div");
  box.className = "value";
  box.hidden = true;
  document.body.append(box);

  const words = (target) => target.getAttribute("aria-label") || target.dataset.says;
  let current = null;
  const show = (target) => {
    current = target;
    box.textContent = words(target);
    box.hidden = false;
    const at = target.getBoundingClientRect();
    const own = box.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - own.width / 2), document.documentElement.clientWidth - own.width - 8);
    const above = at.top - own.height - 8;
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

  const reachable = (drawing) =>
    [...drawing.querySelectorAll(".targets circle[tabindex]")]
      .filter((circle) => circle.getClientRects().length)
      .sort((a, b) => a.parentNode.dataset.cell - b.parentNode.dataset.cell || a.cx.baseVal.value - b.cx.baseVal.value);
  document.addEventListener("keydown", (event) => {
    const drawing = event.target.closest && event.target.closest(".drawing");
    if (!drawing) return;
    if (event.key === "Escape") {
      hide();
      drawing.focus();
      return;
    }
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step && event.key !== "Home" && event.key !== "End") return;
    const all = reachable(drawing);
    if (!all.length) return;
    event.preventDefault();
    const now = all.indexOf(event.target);
    const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : now < 0 ? 0 : (now + step + all.length) % all.length;
    all[next].focus();
  });
})();

"use strict";
document.documentElement.classList.add("scripted");
document.querySelectorAll(".case").forEach((root) => {
  const form = root.querySelector(".filters");
  const items = [...root.querySelectorAll(".finding")];
  const cells = [...root.querySelectorAll("[data-filter]")];
  const said = form.querySelector("output");
  let technique = "";
  const apply = () => {
    const words = form.text.value.trim().toLowerCase();
    let shown = 0;
    for (const item of items) {
      const data = item.dataset;
      const fits =
        (!words || data.text.includes(words)) &&
        (!form.level.value || data.level === form.level.value) &&
        (!form.host.value || data.host === form.host.value) &&
        (!form.tactic.value || data.tactic.split(" ").includes(form.tactic.value)) &&
        (!technique || data.technique.split(" ").includes(technique));
      item.hidden = !fits;
      shown += fits;
    }
    said.value = (technique ? technique + ": " : "") + shown + " of " + items.length;
    for (const cell of cells) {
      const chosen = cell.dataset.filter === "tactic" ? form.tactic.value : technique;
      cell.setAttribute("aria-pressed", String(cell.dataset.value === chosen));
    }
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => { technique = ""; setTimeout(apply); });
  for (const cell of cells) {
    cell.addEventListener("click", () => {
      const value = cell.dataset.value;
      if (cell.dataset.filter === "tactic") form.tactic.value = form.tactic.value === value ? "" : value;
      else technique = technique === value ? "" : value;
      apply();
      form.scrollIntoView({ block: "start" });
    });
  }
  apply();
});
const reveal = () => {
  const found = location.hash && document.getElementById(location.hash.slice(1));
  if (!found) return;
  found.hidden = false;
  for (let node = found; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  const body = found.querySelector(":scope > details.body");
  if (body) body.open = true;
  found.scrollIntoView();
};
addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest("a[href^='#']");
  if (link && link.hash === location.hash) setTimeout(reveal);
});
reveal();
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details.body:not([open])")];
  closed.forEach((body) => { body.open = true; });
});
addEventListener("afterprint", () => closed.forEach((body) => { body.open = false; }));

"use strict";
document.querySelectorAll(".case").forEach((root) => {
  const form = root.querySelector(".filters");
  if (!form) return;
  const items = [...root.querySelectorAll(".finding")];
  const said = form.querySelector("output");
  let technique = "";
  const apply = () => {
    const text = form.text.value.trim().toLowerCase();
    let shown = 0;
    for (const item of items) {
      const data = item.dataset;
      const fits =
        (!text || data.text.includes(text)) &&
        (!form.level.value || data.level === form.level.value) &&
        (!form.host.value || data.host === form.host.value) &&
        (!form.tactic.value || data.tactic.split(" ").includes(form.tactic.value)) &&
        (!technique || data.technique.split(" ").includes(technique));
      item.hidden = !fits;
      shown += fits;
    }
    said.value = shown === items.length ? "" : shown + " of " + items.length;
    root.querySelectorAll("[data-filter]").forEach((cell) => {
      const chosen = cell.dataset.filter === "tactic" ? form.tactic.value : technique;
      cell.setAttribute("aria-pressed", String(cell.dataset.value === chosen));
    });
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => { technique = ""; setTimeout(apply); });
  root.querySelectorAll("[data-filter]").forEach((cell) => cell.addEventListener("click", () => {
    const value = cell.dataset.value;
    if (cell.dataset.filter === "tactic") form.tactic.value = form.tactic.value === value ? "" : value;
    else technique = technique === value ? "" : value;
    apply();
    form.scrollIntoView({ behavior: "smooth", block: "start" });
  }));
  apply();
});
const reveal = () => {
  const found = location.hash && document.getElementById(location.hash.slice(1));
  for (let node = found; node; node = node.parentElement) {
    if (node.tagName === "DETAILS") node.open = true;
    const body = node === found && node.querySelector(":scope > details.body");
    if (body) body.open = true;
  }
  if (found) found.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
addEventListener("beforeprint", () => document.querySelectorAll("details.body").forEach((d) => { d.open = true; }));

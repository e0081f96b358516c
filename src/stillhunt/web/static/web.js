"use strict";
// Progress of a hunt, as it goes.
const run = document.querySelector("[data-run]");
if (run && run.dataset.state === "running") {
  const part = (name) => run.querySelector(`[data-${name}]`);
  const count = (n) => n.toLocaleString("en");
  const steps = new EventSource(`/hunts/${encodeURIComponent(run.dataset.run)}/steps`);
  steps.addEventListener("message", (event) => {
    const now = JSON.parse(event.data);
    part("events").textContent = count(now.events);
    part("findings").textContent = count(now.findings);
    if (now.share !== null) part("bar").value = now.share;
    if (now.state === "running") {
      part("told").textContent = `${now.task} ${now.subject}`;
      return;
    }
    steps.close();
    run.dataset.state = now.state;
    if (now.state === "done") {
      part("bar").value = 1;
      part("cases").textContent = count(now.cases);
      part("told").textContent = "Done.";
      part("open").hidden = false;
    } else {
      part("told").textContent = `It failed: ${now.message}`;
    }
  });
}
// Filters apply as they are changed; without scripts there is a button.
for (const form of document.querySelectorAll("[data-sieve]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, [type=checkbox]")) form.requestSubmit();
  });
}
// Dragging over a timeline looks closer.
const zoom = document.querySelector("[data-zoom]");
if (zoom) {
  const plot = zoom.querySelector(".plot");
  const drawing = plot.querySelector("svg");
  zoom.classList.add("zooming");
  const begin = Date.parse(`${zoom.dataset.from}Z`);
  const end = Date.parse(`${zoom.dataset.to}Z`);
  const share = (event) => {
    const box = drawing.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  let start = null;
  const mark = document.createElement("i");
  mark.className = "dragged";
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("a")) return;
    start = share(event);
    plot.append(mark);
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const box = drawing.getBoundingClientRect();
    const inset = box.left - plot.getBoundingClientRect().left;
    const [from, to] = [start, share(event)].sort((a, b) => a - b);
    mark.style.left = `${inset + from * box.width}px`;
    mark.style.width = `${(to - from) * box.width}px`;
  });
  plot.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const [from, to] = [start, share(event)].sort((a, b) => a - b);
    start = null;
    mark.remove();
    if (to - from < 0.01) return;
    const written = (part) => new Date(begin + part * (end - begin)).toISOString().slice(0, 19);
    location.search = `?from=${written(from)}&to=${written(to)}`;
  });
}

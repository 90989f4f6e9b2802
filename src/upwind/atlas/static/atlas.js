"use strict";
const TILE = 4, ZOOM = 4; // 3 x 3 pixels and a gap for each kernel, each pixel so many of the screen's
const all = (selector, below = document) => [...below.querySelectorAll(selector)];
const one = (selector, below = document) => below.querySelector(selector);
const packed = JSON.parse(one("#kernels").textContent);
const bodies = all("nav tbody"), table = one("nav table");

// --- searching, filtering, sorting ---

const form = one(".controls"), search = one("#search"), part = one("#part"), order = one("#order");
const sorted = {key: "layer", descending: false};
// What one would like to see first: most kernels, largest loss, clearest clusters.
const firstDescending = {layer: false, kernels: true, effect: false, silhouette: true};
const orders = {
  layer: ["in their order", "in reverse"], kernels: ["fewest kernels first", "most kernels first"],
  effect: ["largest loss of accuracy first", "smallest loss of accuracy first"],
  silhouette: ["least clear first", "clearest first"],
};

function matches(token, layer, text) {
  const range = token.match(/^(\d+)(?:[-–](\d+))?$/);
  if (range) return layer >= +range[1] && layer <= +(range[2] ?? range[1]);
  return text.includes(token);
}

function update() {
  const tokens = search.value.toLowerCase().replace(/\blayers?\b/g, " ").split(/\s+/).filter(Boolean);
  let layers = 0, clusters = 0;
  for (const body of bodies) {
    const number = +body.dataset.layer;
    const name = one(".of-layer th", body).textContent.toLowerCase();
    let shown = 0;
    for (const row of all(".of-cluster", body)) {
      const text = `${name} ${row.dataset.words} cluster`.toLowerCase();
      const fits = tokens.every(token => matches(token, number, text))
        && (!part.value || part.value === body.dataset.part)
        && (!order.value || order.value.includes(row.dataset.order));
      row.hidden = !fits;
      shown += fits;
    }
    body.hidden = shown === 0;
    layers += shown > 0;
    clusters += shown;
  }
  const total = all(".of-cluster").length;
  one("#found").textContent = `${layers} of ${bodies.length} layers and ${clusters} of ${total} clusters, `
    + orders[sorted.key][+sorted.descending];
}

function inOrder(elements) {
  const sign = sorted.descending ? -1 : 1;
  return [...elements].sort((a, b) =>
    sign * (a.dataset[sorted.key] - b.dataset[sorted.key]) || (a.dataset.layer - b.dataset.layer) || 0);
}

function sort(key) {
  sorted.descending = sorted.key === key ? !sorted.descending : firstDescending[key];
  sorted.key = key;
  for (const button of all(".sort")) {
    const head = button.closest("th");
    if (button.dataset.key === key)
      head.setAttribute("aria-sort", sorted.descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  table.append(...inOrder(bodies));
  for (const body of bodies) {
    const rows = all(".of-cluster", body);
    body.append(...(key === "layer" ? rows.sort((a, b) => a.dataset.cluster - b.dataset.cluster) : inOrder(rows)));
  }
  update();
}

// --- opening a layer ---

const link = number => one(`nav a[href="#layer-${number}"]`);
const opened = () => one(".layer:target") ?? one(".layer");

function open(event) {
  const section = opened();
  for (const body of bodies) {
    const chosen = body.dataset.layer === section.dataset.layer;
    body.classList.toggle("chosen", chosen);
    if (chosen) link(section.dataset.layer).setAttribute("aria-current", "true");
    else link(body.dataset.layer).removeAttribute("aria-current");
  }
  for (const kernels of all(".kernels", section)) draw(section.dataset.layer, kernels);
  if (event && one(".layer:target")) section.focus({preventScroll: true});
}

// --- single kernels ---

function bytes(text) {
  return Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
}

function unpack(layer) {
  // Once for each layer: numbers of the kernels of each cluster, those nearest to their mean first.
  if (layer.members) return;
  layer.values = new Int16Array(bytes(layer.weights).buffer);
  layer.members = {};
  bytes(layer.clusters).forEach((cluster, kernel) => (layer.members[cluster] ??= []).push(kernel));
  for (const members of Object.values(layer.members)) {
    const mean = Array.from({length: 9}, (_, place) =>
      members.reduce((sum, kernel) => sum + layer.values[9 * kernel + place], 0) / members.length);
    const far = new Map(members.map(kernel => [kernel,
      mean.reduce((sum, value, place) => sum + (layer.values[9 * kernel + place] - value) ** 2, 0)]));
    members.sort((a, b) => far.get(a) - far.get(b));
  }
}

function draw(number, kernels) {
  const layer = packed.layers[number], canvas = one("canvas", kernels), sheet = one(".sheet", kernels);
  unpack(layer);
  kernels.hidden = false;
  const members = layer.members[kernels.dataset.cluster];
  const columns = Math.max(1, Math.floor((sheet.clientWidth - 4) / (TILE * ZOOM)));
  const rows = Math.ceil(members.length / columns);
  if (canvas.width === columns * TILE && canvas.dataset.drawn) return;
  canvas.width = columns * TILE;
  canvas.height = rows * TILE;
  canvas.style.width = `${canvas.width * ZOOM}px`;
  canvas.style.height = `${canvas.height * ZOOM}px`;
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  members.forEach((kernel, place) => {
    const left = (place % columns) * TILE, top = Math.floor(place / columns) * TILE;
    for (let w = 0; w < 9; w++) {
      const share = layer.values[9 * kernel + w] * layer.unit / layer.limit;
      const level = Math.round((Math.min(1, Math.max(-1, share)) + 1) * 127.5);
      const at = 4 * ((top + Math.floor(w / 3)) * canvas.width + left + w % 3);
      image.data.set([...packed.palette.slice(3 * level, 3 * level + 3), 255], at);
    }
  });
  context.putImageData(image, 0, 0);
  canvas.dataset.drawn = members.length;
  canvas.dataset.columns = columns;
  if (canvas.dataset.picked) pick(kernels, +canvas.dataset.picked, false);
}

function pick(kernels, place, scroll = true) {
  const section = kernels.closest(".layer"), layer = packed.layers[section.dataset.layer];
  const members = layer.members[kernels.dataset.cluster], canvas = one("canvas", kernels);
  if (!(place >= 1 && place <= members.length)) return;
  const kernel = members[place - 1], columns = +canvas.dataset.columns, side = TILE * ZOOM;
  const weights = Array.from(layer.values.slice(9 * kernel, 9 * kernel + 9), value =>
    (value * layer.unit).toFixed(3).replace("-", "−"));
  const rows = [0, 3, 6].map(start => weights.slice(start, start + 3).join(", ")).join("; ");
  one("output", kernels).textContent = `Kernel ${kernel} of the layer, from input channel `
    + `${kernel % layer.in} to output channel ${Math.floor(kernel / layer.in)} (all from 0). Weights, row by row: ${rows}.`;
  one("input", kernels).value = place;
  canvas.dataset.picked = place;
  const frame = one(".chosen", kernels), sheet = one(".sheet", kernels);
  frame.hidden = false;
  frame.style.left = `${(place - 1) % columns * side - 1}px`;
  frame.style.top = `${Math.floor((place - 1) / columns) * side - 1}px`;
  if (!scroll) return;
  const top = frame.offsetTop;
  if (top < sheet.scrollTop || top + 20 > sheet.scrollTop + sheet.clientHeight) sheet.scrollTop = top - 60;
}

// --- events ---

function move(step) {
  const links = all("nav tbody:not([hidden]) .of-layer a");
  const here = links.indexOf(document.activeElement);
  const next = step === "first" ? 0 : step === "last" ? links.length - 1 : here + step;
  if (next < 0) search.focus();
  else links[Math.min(next, links.length - 1)]?.focus();
}

function onKey(event) {
  const at = document.activeElement, inList = at.matches?.("nav .of-layer a");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !at.matches("input:not([type=checkbox]), select")) search.focus();
  else if (event.key === "Escape" && one(".explanation:popover-open")) return;
  else if (event.key === "Escape" && at === search) { search.value = ""; update(); }
  else if (event.key === "Escape" && at.closest("#details")) link(opened().dataset.layer).focus();
  else if (at === search && (event.key === "ArrowDown" || event.key === "Enter")) move("first");
  else if (inList && event.key === "ArrowDown") move(1);
  else if (inList && event.key === "ArrowUp") move(-1);
  else if (inList && event.key === "Home") move("first");
  else if (inList && event.key === "End") move("last");
  else return;
  event.preventDefault();
}

form.hidden = false;
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => { outlines(); update(); }));
for (const control of [search, part, order]) control.addEventListener("input", update);
const outlines = () => document.body.classList.toggle("no-outlines", !one("#outlines").checked);
one("#outlines").addEventListener("change", outlines);
for (const button of all(".sort")) {
  button.disabled = false;
  button.addEventListener("click", () => sort(button.dataset.key));
}
for (const kernels of all(".kernels")) {
  one("input", kernels).addEventListener("input", event => pick(kernels, +event.target.value));
  one("canvas", kernels).addEventListener("click", event => {
    const side = TILE * ZOOM, columns = +event.target.dataset.columns;
    pick(kernels, Math.floor(event.offsetY / side) * columns + Math.floor(event.offsetX / side) + 1, false);
  });
}
for (const back of all(".back")) {
  back.addEventListener("click", event => { event.preventDefault(); link(opened().dataset.layer).focus(); });
}
document.addEventListener("keydown", onKey);
addEventListener("hashchange", open);
addEventListener("resize", () => open());
outlines();
update();
open();

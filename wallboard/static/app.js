// The page: one connection, the tiles, the orders, the header. State comes from the server; the page only shows it.

import { Card, describeRule } from "./card.js";
import { StreamClock } from "./clock.js";
import { arrange, byId, make, setAttribute, setHidden, setText } from "./dom.js";
import { follow, get, send } from "./feed.js";
import { Tile, columns } from "./tile.js";
import { UnitTile, isUnit } from "./unit.js";
import { figure, matches } from "./words.js";

/** Figures older than this by wall time look stale. */
const STALE_MS = 5000;
const TICK_MS = 250;
const GAP = 10;
const CLOSED_SHOWN = 30;
const ALERTS_SHOWN = 6;

const tiles = new Map();
const units = new Map();
const cards = new Map();
const born = new Map(); // partition or queue: when its freshest figures were written, by performance.now
const clock = new StreamClock();
let rules = [];
let metrics = new Map();
let zone = "UTC";
let alerts = [];
let ready = false;
let dirty = true;

const partitionKey = (row) => `partition ${row.partition}`;
const covers = (rule, queue) => (rule.of === "units") === isUnit(queue) && (rule.pattern === "[*]" ? queue === "*" : matches(rule.pattern, queue));
const serviceRule = (queue) => rules.find((r) => r.metric === "service_level_live" && covers(r, queue));

function describe(id, active = true) {
  const rule = rules.find((r) => r.id === id);
  const words = describeRule(rule, metrics.get(rule?.metric)) ?? id.replaceAll("_", " ");
  return active ? words : `${words} (over)`;
}

const on = {
  reset() {
    for (const box of [tiles, units, cards]) {
      for (const item of box.values()) item.element.remove();
      box.clear();
    }
    born.clear();
    alerts = [];
    clock.forget();
    ready = false;
    dirty = true;
    loadHistory();
  },
  queue(row) {
    const now = performance.now();
    const [shelf, Kind] = isUnit(row.queue) ? [units, UnitTile] : [tiles, Tile];
    let tile = shelf.get(row.queue);
    if (!tile) {
      tile = new Kind(row.queue);
      shelf.set(row.queue, tile);
    }
    tile.update(row, serviceRule(row.queue));
    const key = partitionKey(row);
    born.set(key, Math.max(born.get(key) ?? -Infinity, now - row.age_ms));
    clock.sample(row.at_ms, now, row.age_ms);
    dirty = true;
  },
  order(order) {
    let card = cards.get(order.id);
    if (!card) {
      card = new Card(order.id, act, showDetails);
      cards.set(order.id, card);
    }
    if (card.order && order.version < card.order.version) return;
    card.update(order, describe);
    dirty = true;
  },
  alert(alert) {
    if (alert.kind === "page") return; // it went to a person's phone; the wall has the alert behind it
    alerts = [alert, ...alerts].slice(0, ALERTS_SHOWN);
    if (alert.kind === "refused") cards.get(alert.order)?.refused(alert);
    if (alert.floor) markNote(alert);
    dirty = true;
  },
  link(state) {
    const link = byId("link");
    setText(link, state);
    setAttribute(link, "data-state", state);
  },
};

async function loadHistory() {
  const { figures, history } = await get("/api/history").catch(() => ({ figures: [], history: {} }));
  for (const [queue, points] of Object.entries(history)) {
    const rule = serviceRule(queue);
    const column = figures.indexOf(`service_level_live@${rule?.window ?? "5m"}`);
    const trend = points.map((p) => [p[0], column < 0 ? null : p[column + 1]]);
    tiles.get(queue)?.setHistory(trend, rule);
  }
  await loadNotes();
}

async function loadNotes() {
  const { floor } = await get("/api/floor").catch(() => ({ floor: [] }));
  floor.forEach(markNote);
}

/** A line of the floor log is marked on the trend of its queue. */
function markNote({ queue, floor: { id, at_ms: atMs, by, text } }) {
  tiles.get(queue)?.addNote?.(id, atMs, `${clockText(atMs)} ${by}: ${text}`, serviceRule(queue));
}

/** Lay the tiles out anew: only when their number or the room changed. */
function fit() {
  const box = byId("tiles");
  const count = tiles.size;
  const wide = matchMedia("(min-width: 1100px) and (min-height: 600px)").matches;
  const wanted = wide ? columns(Math.max(1, count), box.clientWidth, box.clientHeight, GAP) : 0;
  setAttribute(box, "data-columns", String(wanted));
  box.style.gridTemplateColumns = wanted ? `repeat(${wanted}, minmax(0, 1fr))` : "";
  box.style.gridTemplateRows = wanted ? `repeat(${Math.ceil(count / wanted) || 1}, minmax(0, 1fr))` : "";
}

const isOver = (order) => order.state === "closed" || order.state === "cancelled";

function draw() {
  dirty = false;
  const names = [...tiles.keys()].sort();
  const box = byId("tiles");
  if (box.childElementCount !== names.length || !ready) {
    ready = true;
    arrange(box, names.map((name) => tiles.get(name).element));
    fit();
  }
  arrange(byId("units"), [...units.keys()].sort().map((name) => units.get(name).element));
  setHidden(byId("units"), units.size === 0);
  setHidden(byId("no-queues"), names.length > 0);
  const all = [...cards.values()];
  const open = all.filter((c) => !isOver(c.order));
  open.sort((a, b) => a.order.severity - b.order.severity || a.order.opened_ms - b.order.opened_ms);
  const closed = all.filter((c) => isOver(c.order));
  closed.sort((a, b) => (b.order.closed_ms ?? b.order.updated_ms) - (a.order.closed_ms ?? a.order.updated_ms));
  for (const card of closed.splice(CLOSED_SHOWN)) {
    card.element.remove();
    cards.delete(card.id);
  }
  arrange(byId("open"), open.map((c) => c.element));
  arrange(byId("closed"), closed.map((c) => c.element));
  setHidden(byId("no-orders"), open.length > 0);
  setHidden(byId("no-closed"), closed.length > 0);
  drawAlerts();
}

function drawAlerts() {
  const list = byId("alerts");
  const key = alerts.map((a) => a.pos.join(",")).join(" ");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(
    ...alerts.map((alert) => {
      const item = make("li", "", make("time", "", clockText(alert.at_ms)), make("b", "", alert.kind), tickerText(alert));
      item.dataset.kind = alert.kind;
      item.title = `${alert.text}\n${alert.zh}`;
      return item;
    }),
  );
}

function tickerText(alert) {
  const text = alert.text || alert.title;
  return text.includes(alert.queue) ? text : `${alert.queue}: ${text}`;
}

let formats = null;
function clockText(ms, part = "time") {
  formats ??= {
    time: new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    date: new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", year: "numeric", month: "short", day: "numeric" }),
  };
  return formats[part].format(ms);
}

/** Everything that moves by itself: clock, countdowns, staleness. */
function tick() {
  const now = performance.now();
  const at = clock.now(now);
  const owned = new Map();
  for (const card of cards.values()) {
    if (isOver(card.order)) continue;
    card.tick(at, now);
    owned.set(card.order.queue, card);
  }
  const sums = { breach: 0, waiting: 0, stale: 0 };
  for (const [queue, tile] of tiles) {
    const age = now - (born.get(partitionKey(tile.row)) ?? -Infinity);
    tile.age(age, STALE_MS);
    tile.setOrder(owned.get(queue)?.order ?? null, owned.get(queue)?.left(at) ?? "");
    if (age > STALE_MS) sums.stale += 1;
    else if (tile.row.state === "breach") sums.breach += 1;
    sums.waiting += tile.row.figures["waiting@now"] ?? 0;
  }
  for (const unit of units.values()) unit.age(now - (born.get(partitionKey(unit.row)) ?? -Infinity), STALE_MS);
  setText(byId("count-queues"), String(tiles.size));
  setText(byId("count-breach"), String(sums.breach));
  setText(byId("count-waiting"), String(sums.waiting));
  setText(byId("count-orders"), String(owned.size));
  setText(byId("count-stale"), String(sums.stale));
  byId("count-stale").parentElement.dataset.bad = String(sums.stale > 0);
  byId("count-breach").parentElement.dataset.bad = String(sums.breach > 0);
  if (at !== null) {
    setText(byId("time"), clockText(at));
    setText(byId("date"), clockText(at, "date"));
    setText(byId("zone"), clock.speed > 1.5 ? `${zone} · ×${Math.round(clock.speed)}` : zone);
  }
  if (dirty) draw();
}

async function act(order, command) {
  const actor = byId("actor").value;
  const card = cards.get(order.id);
  if (!actor) {
    card.say("refused", "choose who you are first (acting as, top right)");
    return;
  }
  const args = command === "resolve" ? await askResolve(order) : {};
  if (args === null) return;
  card.say("sent", `${command} sent, waiting for the decision`);
  try {
    await send(order.id, command, actor, args);
  } catch (error) {
    card.say("refused", `not taken: ${error.message}`);
  }
}

/** Cause and measure from the dialog; null when the person thought better of it. */
function askResolve(order) {
  const dialog = byId("resolve");
  setText(byId("resolve-about"), `${order.queue} · ${order.owner_name} · ${order.symptoms.map((s) => describe(s)).join(" · ")}`);
  byId("resolve-measure").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  byId("resolve-measure").focus();
  return new Promise((settle) => {
    dialog.addEventListener("close", () => {
      const [cause, measure] = [byId("resolve-cause").value, byId("resolve-measure").value.trim()];
      settle(dialog.returnValue === "send" && measure ? { cause, measure } : null);
    }, { once: true });
  });
}

async function showDetails(order) {
  setText(byId("details-title"), `${order.queue} · order ${order.id}`);
  setText(byId("details-about"), order.sentence);
  byId("details-log").replaceChildren();
  byId("details").showModal();
  const { log } = await get(`/api/orders/${encodeURIComponent(order.id)}`).catch(() => ({ log: [] }));
  byId("details-log").replaceChildren(...log.map(logLine));
}

function logLine(entry) {
  const live = Object.entries(entry.live).map(([name, value]) => {
    const [metric] = name.split("@");
    return `${metrics.get(metric)?.en ?? metric} ${figure(metrics.get(metric)?.unit, value)}`;
  });
  const line = make(
    "div", "entry",
    make("time", "", clockText(entry.at_ms)),
    make("b", "", entry.decision),
    make("span", "who", entry.actor),
    make("span", "why", `${entry.event}: ${entry.why}`),
    make("span", "live", live.join(" · ")),
  );
  line.dataset.decision = entry.decision;
  return line;
}

async function begin() {
  const [people, causes, catalogue, dictionary] = await Promise.all(
    ["people", "causes", "catalogue", "metrics-dictionary"].map((name) => get(`/api/${name}`)),
  );
  ({ rules } = catalogue);
  metrics = new Map(dictionary.metrics.map((m) => [m.id, m]));
  const zones = new Set(catalogue.sites.map((s) => s.zone));
  if (zones.size === 1) [zone] = zones;
  const actor = byId("actor");
  actor.append(...people.people.map((p) => new Option(p.department ? `${p.name} · ${p.department}` : p.name, p.id)));
  actor.value = localStorage.getItem("actor") || "-";
  if (actor.selectedIndex < 0) actor.selectedIndex = Math.min(1, actor.length - 1);
  actor.addEventListener("change", () => localStorage.setItem("actor", actor.value));
  byId("resolve-cause").append(...causes.causes.map((c) => new Option(c, c)));
  byId("resolve-cancel").addEventListener("click", () => byId("resolve").close(""));
  byId("details-close").addEventListener("click", () => byId("details").close());
  new ResizeObserver(fit).observe(byId("tiles"));
  setInterval(tick, TICK_MS);
  follow(on);
}

begin().catch((error) => {
  on.link("failed");
  byId("no-queues").hidden = false;
  setText(byId("no-queues"), `The page could not start: ${error.message}. Reload it when the server answers again.`);
});

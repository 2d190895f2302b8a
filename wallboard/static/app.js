// The page: one connection, the tiles, the orders, the header. State comes from the server; the page only shows it.

import { ask, beginAsking } from "./ask.js";
import { Banner } from "./banner.js";
import { Card, describeRule, isOver } from "./card.js";
import { StreamClock } from "./clock.js";
import { decisionOf, heardRefusal } from "./decision.js";
import { Details } from "./details.js";
import { arrange, byId, make, setAttribute, setHidden, setText } from "./dom.js";
import { follow, get, post, send } from "./feed.js";
import { askFinding, askNote } from "./finding.js";
import { Side } from "./side.js";
import { STEPS } from "./steps.js";
import { FIGURES, Tile, columns, levelOf } from "./tile.js";
import { UnitTile, isUnit } from "./unit.js";
import { clockText, setZone, zoneName } from "./when.js";
import { matches } from "./words.js";

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
let alerts = [];
let details = null;
let side = null;
let banner = null;
let ready = false;
let dirty = true;

const partitionKey = (row) => `partition ${row.partition}`;
const covers = (rule, queue) => (rule.of === "units") === isUnit(queue) && (rule.pattern === "[*]" ? queue === "*" : matches(rule.pattern, queue));
const isLevel = (rule) => rule.metric === "service_level_live";
const serviceRule = (queue) => rules.find((r) => isLevel(r) && covers(r, queue));

/** What everything on the page may ask for. */
const page = {
  people: new Map(),
  departments: [],
  causes: [],
  metrics: new Map(),
  at: () => clock.now(performance.now()),
  /** Who acts; null: nobody is chosen. */
  me: () => page.people.get(byId("actor").value) ?? null,
  /** What the steps of an order depend on. */
  context: (order) => ({
    order, me: page.me(), people: [...page.people.values()], departments: page.departments, causes: page.causes,
    at: Math.max(page.at() ?? 0, order.updated_ms),
  }),
  queues: () => [...tiles.keys(), ...units.keys()].sort(),
  order: (id) => cards.get(id)?.order ?? null,
  /** The figures of a queue as they are now; null when they are none, or stale. */
  row: (queue) => (tiles.get(queue)?.element.dataset.stale === "true" ? null : tiles.get(queue)?.row ?? null),
  describe, act, open: (id) => details.open(id), accept, report, note,
};

function describe(id, active = true) {
  const rule = rules.find((r) => r.id === id);
  const words = describeRule(rule, page.metrics.get(rule?.metric)) ?? id.replaceAll("_", " ");
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
    side.load();
    banner.load();
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
  order(row) {
    const order = { findings: [], like: [], negotiation: null, consultation: null, problem: null, ...row };
    let card = cards.get(order.id);
    if (!card) {
      card = new Card(order.id, act, page.open, page.context);
      cards.set(order.id, card);
    }
    if (card.order && order.version < card.order.version) return;
    card.update(order, describe);
    details.changed(order);
    side.orderChanged();
    dirty = true;
  },
  alert(alert) {
    if (alert.kind === "page" || alert.kind === "asked") return; // it went to a person's phone; the wall has the alert behind it
    alerts = [alert, ...alerts].slice(0, ALERTS_SHOWN);
    if (alert.kind === "refused") {
      cards.get(alert.order)?.refused(alert);
      heardRefusal(alert);
    }
    if (alert.floor) markNote(alert);
    side.alertCame(alert);
    banner.alertCame(alert);
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
    const column = figures.indexOf(levelOf(rule));
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
  const open = all.filter((c) => !isOver(c.order) && !isHeld(c.order));
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
    setText(byId("zone"), clock.speed > 1.5 ? `${zoneName()} · ×${Math.round(clock.speed)}` : zoneName());
  }
  details.tick(at);
  side.tick(at);
  banner.tick(at);
  if (dirty) draw();
}

/** Whether a storm holds it: its parent, which is on the list, is answered for it. */
function isHeld(order) {
  const parent = order.parent && cards.get(order.parent)?.order;
  return Boolean(parent) && !isOver(parent);
}

/** What is said of an order where people look at it. */
function say(id, kind, text) {
  cards.get(id)?.say(kind, text);
  if (details.id === id) details.say(kind, text);
}

const NOBODY = "choose who you are first (acting as 当前身份)";
const UNDECIDED = "it lies in the log and is not decided yet: look again in a while";

/** Ask for `command`: first what it needs, then the log, then what was decided there. */
async function act(order, command, given = null) {
  if (command === "report") return report(order.queue, order.id);
  const me = page.me();
  if (!me) return say(order.id, "refused", NOBODY);
  const step = STEPS.find((s) => s.command === command);
  const args = given ?? await askStep(order, step);
  if (args === null) return undefined;
  say(order.id, "sent", `${step.en.toLowerCase()} sent, waiting for the decision`);
  try {
    const closing = command === "close_problem"; // of the queue, whatever became of this order
    const sent = closing ? await post("/api/problems", { queue: order.queue, command, actor: me.id, args }) : await send(order.id, command, me.id, args);
    tell(order.id, step.en.toLowerCase(), await decisionOf(closing ? inQueue(order.queue, sent) : order.id, sent));
    if (closing) details.changed(order);
  } catch (error) {
    say(order.id, "refused", `not taken: ${error.message}`);
  }
  return undefined;
}

/** The arguments of a step from its dialog; none are needed without one. Null when the person thought better of it. */
async function askStep(order, step) {
  const context = { ...page.context(order), asked: details.id === order.id ? details.asked : undefined };
  if (!step.fields) return step.args?.({}, context) ?? {};
  const about = [order.queue, order.owner_name, ...order.symptoms.map((s) => describe(s))].filter(Boolean).join(" · ");
  const values = await ask({ title: step.en, zh: step.zh, about, hint: step.hint, fields: step.fields(context) });
  // the time may have gone on while somebody thought about it
  return values && (step.args?.(values, { ...context, at: page.context(order).at }) ?? values);
}

function tell(id, what, decision) {
  if (decision === null) say(id, "sent", `${what}: ${UNDECIDED}`);
  else if (decision.refused) say(id, "refused", /refused/i.test(decision.text) ? decision.text : `refused: ${decision.text}`);
  else say(id, "done", `${what}: ${decision.decision}`);
}

/** The order of a queue that a command at this place in the log was about, once there is one. */
const inQueue = (queue, sent) => () => [...cards.values()].find((c) => c.order.queue === queue && c.order.pos[1] >= sent.offset)?.id;

/** Report a finding about a queue; `id` is the order from which it was asked, if any. */
async function report(queue = "", id = null) {
  const me = page.me();
  const said = (kind, text) => (id ? say(id, kind, text) : side.say(kind, text));
  if (!me) return said("refused", NOBODY);
  const found = await askFinding({ queues: page.queues(), queue, metrics: page.metrics, people: [...page.people.values()], me: me.id });
  if (found === null) return undefined;
  said("sent", "finding sent, waiting for the decision");
  try {
    const sent = await post("/api/findings", { ...found, command: "report", actor: me.id });
    const decision = await decisionOf(inQueue(found.queue, sent), sent);
    if (decision === null) said("sent", `finding: ${UNDECIDED}`);
    else said(decision.refused ? "refused" : "done", decision.refused ? `refused: ${decision.text}` : `it stands in order ${decision.order}`);
  } catch (error) {
    said("refused", `not taken: ${error.message}`);
  }
  return undefined;
}

async function note() {
  const me = page.me();
  if (!me) return side.say("refused", NOBODY);
  const values = await askNote({ queues: page.queues() });
  if (values === null) return undefined;
  try {
    await post("/api/floor", { ...values, actor: me.id });
    side.say("done", `the note about ${values.queue} is on the log`);
  } catch (error) {
    side.say("refused", `not taken: ${error.message}`);
  }
  return undefined;
}

/** The incoming lead accepts a shift: one command to each partition, each decided apart. */
async function accept(sheet) {
  const me = page.me();
  const said = (kind, text) => side.sheets.say(sheet.department, kind, text);
  if (!me) return said("refused", NOBODY);
  said("sent", "sent, waiting for the decision");
  try {
    const { sent } = await post("/api/handover", { department: sheet.department, actor: me.id });
    const decisions = await Promise.all(sent.map((one) => decisionOf(ofPartition(sheet, one), one)));
    const refused = decisions.find((decision) => decision?.refused);
    if (refused) said("refused", `refused: ${refused.text}`);
    else if (decisions.includes(null)) said("sent", UNDECIDED);
    else said("done", `accepted by ${me.name}`);
    side.load();
  } catch (error) {
    said("refused", `not taken: ${error.message}`);
  }
  return undefined;
}

/** An order of the sheet that the command at this place in the log was about. */
const ofPartition = (sheet, sent) => () =>
  sheet.orders.map((part) => cards.get(part.id)?.order).find((order) => order?.pos[0] === sent.partition && order.pos[1] >= sent.offset)?.id;

/** Somebody else acts: other steps are open. */
function actorChanged() {
  byId("details-actor").value = byId("actor").value;
  localStorage.setItem("actor", byId("actor").value);
  for (const card of cards.values()) card.showSteps();
  details.drawSteps();
  if (details.order) details.draw();
  side.sheets.draw();
}

async function begin() {
  const [people, causes, catalogue, dictionary] = await Promise.all(
    ["people", "causes", "catalogue", "metrics-dictionary"].map((name) => get(`/api/${name}`)),
  );
  ({ rules } = catalogue);
  page.metrics = new Map(dictionary.metrics.map((m) => [m.id, m]));
  page.people = new Map(people.people.map((p) => [p.id, p]));
  page.departments = catalogue.departments;
  page.causes = causes.book;
  const zones = new Set(catalogue.sites.map((s) => s.zone));
  if (zones.size === 1) setZone([...zones][0]);
  const actor = byId("actor");
  actor.append(...people.people.map((p) => new Option(p.department ? `${p.name} · ${p.department}` : p.name, p.id)));
  actor.value = localStorage.getItem("actor") ?? "";
  if (actor.selectedIndex < 0) actor.selectedIndex = 0; // nobody acts in a name that they have not chosen
  actor.addEventListener("change", actorChanged);
  const inside = byId("details-actor"); // the same choice, where the dialog covers the other one
  inside.append(...[...actor.options].map((option) => new Option(option.text, option.value)));
  inside.value = actor.value;
  inside.addEventListener("change", () => {
    actor.value = inside.value;
    actorChanged();
  });
  beginAsking();
  details = new Details(page);
  side = new Side(page);
  banner = new Banner();
  new ResizeObserver(fit).observe(byId("tiles"));
  setInterval(tick, TICK_MS);
  follow([...new Set([...FIGURES, ...[undefined, ...rules.filter(isLevel)].map(levelOf)])], on);
  details.follow();
}

begin().catch((error) => {
  on.link("failed");
  byId("no-queues").hidden = false;
  setText(byId("no-queues"), `The page could not start: ${error.message}. Reload it when the server answers again.`);
});

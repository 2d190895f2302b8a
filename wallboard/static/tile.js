// One queue as a tile, and how many tiles fit on the wall.

import { make, setAttribute, setText, svg } from "./dom.js";
import { ORDER_STATES, QUEUE_STATES, SHAPES, count, percent, span, waitingText } from "./words.js";

/** The figures that the page reads of a row beside the service level (`levelOf`): more are not sent to it. */
export const FIGURES = ["waiting", "waiting_past_threshold", "waiting_soon", "longest_wait_ms", "agents_ready", "agents_busy"].map((name) => `${name}@now`);

/** The service level that is shown of a queue with this rule, or without one. */
export const levelOf = (rule) => `service_level_live@${rule?.window ?? "5m"}`;

const TREND_MS = 30 * 60000;
const [TREND_W, TREND_H] = [240, 60];

export class Tile {
  constructor(queue) {
    this.queue = queue;
    this.row = null;
    this.trend = []; // [at_ms, service level]
    this.notes = new Map(); // lines of the floor log by id: [at_ms, text]
    this.build();
  }

  build() {
    const [site, ...skill] = this.queue.split("/");
    this.shape = svg("path");
    const icon = svg("svg", { viewBox: "0 0 24 24", class: "shape", "aria-hidden": "true" });
    icon.append(this.shape);
    this.word = make("span", "word");
    this.zh = make("i");
    this.zh.lang = "zh";
    const name = make("h3", "name", make("span", "site", skill.length ? `${site}/` : ""), skill.join("/") || site);
    name.title = this.queue;
    this.level = make("span", "level");
    this.basis = make("p", "basis");
    this.line = svg("path", { class: "line" });
    this.limit = svg("path", { class: "limit" });
    this.marks = svg("path", { class: "mark" });
    this.noted = svg("title");
    this.spark = svg("svg", { class: "spark", viewBox: `0 0 ${TREND_W} ${TREND_H}`, preserveAspectRatio: "none", role: "img", "aria-label": "live service level, last 30 minutes" });
    this.spark.append(this.noted, this.marks, this.limit, this.line);
    this.facts = {};
    const facts = make("dl", "facts");
    for (const [id, en, zh] of [["waiting", "waiting", "排队"], ["longest", "longest", "最长"], ["agents", "agents", "坐席"]]) {
      const value = make("dd");
      const term = make("dt", "", `${en} `, Object.assign(make("i", "", zh), { lang: "zh" }));
      this.facts[id] = value;
      facts.append(make("div", id, value, term));
    }
    this.order = make("p", "order");
    [this.ready, this.busy] = [make("span"), make("span")];
    const agents = make("span", "known", this.ready, make("span", "long", " ready"), make("span", "slash", " / "), this.busy, make("span", "long", " busy"));
    this.facts.agents.append(agents, make("span", "unknown", "unknown"));
    [this.waiting, this.late] = [make("span"), make("small", "late")];
    this.facts.waiting.append(this.waiting, this.late);
    this.element = make(
      "article", "tile",
      name,
      make(
        "div", "main",
        make("p", "value", this.level, make("span", "unit", "%")),
        make("div", "side", make("p", "state", icon, this.word, this.zh), this.spark),
      ),
      this.basis, facts, this.order,
    );
    this.element.dataset.queue = this.queue;
  }

  /** New figures; `rule` is the service-level rule of this queue, or undefined. */
  update(row, rule) {
    this.row = row;
    const window = rule?.window ?? "5m";
    const level = row.figures[levelOf(rule)];
    setText(this.level, percent(level));
    setAttribute(this.level, "data-known", String(typeof level === "number"));
    setText(this.basis, `${row.formula} · ${row.threshold_ms / 1000} s · ${window.replace("m", " min")}`);
    this.callers(row);
    setText(this.facts.longest, span(row.figures["longest_wait_ms@now"] ?? 0));
    this.agents(row);
    this.addPoint(row.at_ms, level, rule);
  }

  /** Who waits: how many, how many past the threshold, how many more in a moment; in words when the pointer rests on it. */
  callers(row) {
    const [past, soon] = [row.figures["waiting_past_threshold@now"] ?? 0, row.figures["waiting_soon@now"] ?? 0];
    setText(this.waiting, count(row.figures["waiting@now"]));
    setText(this.late, [past ? ` ${past} late` : "", soon ? ` +${soon}` : ""].join(""));
    setAttribute(this.facts.waiting.parentElement, "title", waitingText(row).join(" "));
  }

  agents(row) {
    const known = row.agents_known;
    const [ready, busy] = [count(row.figures["agents_ready@now"]), count(row.figures["agents_busy@now"])];
    setAttribute(this.facts.agents, "data-known", String(known));
    if (known) setText(this.ready, ready), setText(this.busy, busy);
  }

  /** The trend that the server kept, older than what came since. */
  setHistory(points, rule) {
    const first = this.trend[0]?.[0] ?? Infinity;
    this.trend = [...points.filter((p) => p[0] < first), ...this.trend];
    this.forgetOld();
    this.drawTrend(rule);
  }

  addPoint(atMs, level, rule) {
    const last = this.trend.at(-1);
    if (last && atMs < last[0]) this.trend = []; // another recording began
    if (last && atMs - (this.trend.at(-2)?.[0] ?? -Infinity) < 10000) this.trend.pop(); // one point in ten seconds
    this.trend.push([atMs, level ?? null]);
    this.forgetOld();
    this.drawTrend(rule);
  }

  forgetOld() {
    while (this.trend.length && this.trend[0][0] < this.trend.at(-1)[0] - TREND_MS) this.trend.shift();
    const first = this.trend[0]?.[0] ?? Infinity;
    for (const [id, [at]] of this.notes) if (at < first && this.trend.at(-1)?.[0] - at > TREND_MS) this.notes.delete(id);
  }

  /** A line of the floor log: marked on the trend, read when the pointer rests on it. */
  addNote(id, atMs, text, rule) {
    this.notes.set(id, [atMs, text]);
    this.drawTrend(rule);
  }

  drawTrend(rule) {
    const last = this.trend.at(-1)?.[0];
    if (last === undefined) return;
    // from 40 to 100 %, where service levels live; from 0 when one was lower
    const low = this.trend.some(([, level]) => level !== null && level < 0.42) || rule?.limit < 0.42 ? 0 : 0.4;
    const y = (level) => (3 + ((1 - Math.min(1, Math.max(low, level))) / (1 - low)) * (TREND_H - 6)).toFixed(1);
    let path = "";
    let pen = false;
    for (const [at, level] of this.trend) {
      if (level === null) {
        pen = false;
        continue;
      }
      const x = ((1 - (last - at) / TREND_MS) * TREND_W).toFixed(1);
      path += pen ? `L${x} ${y(level)}` : `M${x} ${y(level)}h0.01`;
      pen = true;
    }
    setAttribute(this.line, "d", path);
    const seen = [...this.notes.values()].filter(([at]) => at <= last && last - at <= TREND_MS);
    setAttribute(this.marks, "d", seen.map(([at]) => `M${((1 - (last - at) / TREND_MS) * TREND_W).toFixed(1)} 0V${TREND_H}`).join(""));
    setText(this.noted, seen.map(([, text]) => text).join("\n"));
    setAttribute(this.limit, "d", rule ? `M0 ${y(rule.limit)}H${TREND_W}` : "");
  }

  /** State, or for how long nothing came. `ageMs` is by wall time. */
  age(ageMs, staleMs) {
    if (this.row === null) return;
    const stale = ageMs > staleMs;
    const state = this.row.state;
    const [en, zh] = stale ? [`stale ${staleness(ageMs)}`, "数据过期"] : QUEUE_STATES[state] ?? [state, ""];
    setText(this.word, en);
    setText(this.zh, zh);
    setAttribute(this.shape, "d", stale ? SHAPES.stale : SHAPES[state] ?? SHAPES.no_data);
    setAttribute(this.element, "data-state", state);
    setAttribute(this.element, "data-stale", String(stale));
  }

  /** The open order of this queue with the time left, or none. */
  setOrder(order, left) {
    const text = order ? `${ORDER_STATES[order.state]?.[0] ?? order.state} · ${order.owner_name || "nobody"}${left ? ` · ${left}` : ""}` : "";
    setText(this.order, text || "\u00a0");
    setAttribute(this.order, "data-severity", order ? String(order.severity) : "");
  }
}

function staleness(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6000 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

/** Columns for `n` tiles on `width` x `height`: the largest tiles whose shape is bearable. */
export function columns(n, width, height, gap) {
  let best = [1, 0];
  for (let c = 1; c <= n; c += 1) {
    const rows = Math.ceil(n / c);
    const [w, h] = [(width - gap * (c - 1)) / c, (height - gap * (rows - 1)) / rows];
    // a tile wants to be twice as wide as high; what is beyond that shape is waste
    const size = Math.min(w, h * 2);
    if (size > best[1]) best = [c, size];
  }
  return best[0];
}

// A unit (a site, a region, everything) as a small tile: its sums, and which of its queues nothing is heard of.

import { make, setAttribute, setHidden, setText, svg } from "./dom.js";
import { levelOf } from "./tile.js";
import { QUEUE_STATES, SHAPES, count, percent, span } from "./words.js";

/** Names of stale queues on the tile; all that are known stand in its title. */
const NAMED = 3;

export const isUnit = (queue) => queue === "*" || queue.endsWith("/*");

export class UnitTile {
  constructor(queue) {
    this.row = null;
    this.shape = svg("path");
    const icon = svg("svg", { viewBox: "0 0 24 24", class: "shape", "aria-hidden": "true" });
    icon.append(this.shape);
    this.word = make("span", "word");
    this.level = make("b");
    this.waiting = make("span");
    this.longest = make("span");
    this.agents = make("span");
    this.stale = make("p", "names");
    const name = queue === "*" ? make("span", "", "everything ", Object.assign(make("i", "", "全部"), { lang: "zh" })) : queue.slice(0, -2);
    this.element = make(
      "article", "unit-tile",
      make("h3", "unit-name", name), make("p", "state", icon, this.word),
      make("p", "unit-facts", this.level, this.waiting, this.longest, this.agents),
      this.stale,
    );
    this.element.dataset.unit = queue;
  }

  update(row, rule) {
    this.row = row;
    const figures = row.figures;
    const level = percent(figures[levelOf(rule)]);
    setText(this.level, level === "–" ? level : `${level} %`);
    setText(this.waiting, `${count(figures["waiting@now"])} waiting`);
    setText(this.longest, `longest ${span(figures["longest_wait_ms@now"] ?? 0)}`);
    setText(this.agents, row.agents_known ? `${count(figures["agents_ready@now"])} / ${count(figures["agents_busy@now"])} agents` : `${row.members} queues`);
    const named = (row.stale ?? []).slice(0, NAMED).join(", ");
    const more = (row.stale_count ?? 0) - Math.min(NAMED, (row.stale ?? []).length);
    setText(this.stale, named ? `stale: ${named}${more > 0 ? ` and ${more} more` : ""}` : "");
    setAttribute(this.stale, "title", (row.stale ?? []).join("\n"));
    setHidden(this.stale, !named);
  }

  /** State, or for how long nothing came; `ageMs` is by wall time. */
  age(ageMs, staleMs) {
    const stale = ageMs > staleMs;
    setText(this.word, stale ? "stale" : QUEUE_STATES[this.row.state]?.[0] ?? this.row.state);
    setAttribute(this.shape, "d", stale ? SHAPES.stale : SHAPES[this.row.state] ?? SHAPES.no_data);
    setAttribute(this.element, "data-state", this.row.state);
    setAttribute(this.element, "data-stale", String(stale || this.row.stale_count > 0));
  }
}

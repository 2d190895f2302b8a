// What runs beside the figures: an emergency, a planned event, each with its clock. A quiet line, there only while it runs.

import { byId, chinese, make, refill, setHidden, setText } from "./dom.js";
import { get } from "./feed.js";
import { moment } from "./when.js";
import { PLANNED_KINDS, span } from "./words.js";

const AGAIN_MS = 500;
/** Something may have been missed while the connection was away. */
const LOOK_MS = 60000;

export class Banner {
  constructor() {
    this.planned = [];
    this.emergencies = [];
    this.timer = 0;
    setInterval(() => this.load(), LOOK_MS);
  }

  alertCame(alert) {
    if (alert.planned || alert.emergency) this.timer ||= setTimeout(() => this.load(), AGAIN_MS);
  }

  async load() {
    clearTimeout(this.timer);
    this.timer = 0;
    const found = await get("/api/planned").catch(() => null);
    if (found) ({ planned: this.planned, emergencies: this.emergencies } = found);
  }

  /** Everything that runs at stream time `at`. */
  tick(at) {
    if (at === null) return;
    const on = this.emergencies.filter((e) => e.ended_ms === null);
    const running = this.planned.filter((e) => e.state !== "cancelled" && e.from_ms <= at && at < e.until_ms);
    const box = byId("banner");
    setHidden(box, on.length + running.length === 0);
    refill(box, JSON.stringify([on.map((e) => e.event), running.map((e) => [e.event, e.until_ms])]), () => [
      ...on.map((e) => line("emergency", ["EMERGENCY", "紧急状态"], e.covers, e.reason)),
      ...running.map((e) => line("planned", PLANNED_KINDS[e.kind] ?? [e.kind, ""], e.covers, `${e.text} · until ${moment(e.until_ms, at)}`)),
    ]);
    const clocks = [...on.map((e) => `for ${span(at - e.since_ms)}${e.long ? ", longer than 72 h" : ""}`), ...running.map((e) => `${span(e.until_ms - at)} left`)];
    for (const [i, text] of clocks.entries()) setText(box.children[i].lastElementChild, text);
  }
}

function line(kind, [en, zh], covers, text) {
  return make("p", kind, make("b", "", `${en} `, chinese(zh)), " ", make("span", "covers", covers), ` ${text} `, make("b", "clock-left"));
}

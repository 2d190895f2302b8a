// What is written beside orders: the floor log, trend notes, problem records.

import { chinese, make, refill } from "./dom.js";
import { clockText, moment } from "./when.js";
import { problemText } from "./words.js";

const SHOWN = 40;

/** A box of three lists; `page` has `people`, `at()`. */
export class Records {
  constructor(box, page) {
    this.page = page;
    this.boxes = [
      ["floor", "Floor log", "值班日志", (alert) => this.floor(alert)],
      ["trends", "Trend notes", "趋势提示", (alert) => this.trend(alert)],
      ["problems", "Problem records", "问题记录", (alert) => this.problem(alert)],
    ].map(([name, en, zh, build]) => {
      const list = make("ul", name);
      box.append(make("section", "", make("h3", "", `${en} `, chinese(zh)), list));
      return { name, list, build };
    });
  }

  /** `found` has the lists by name; what could not be read is left as it is. */
  show(found) {
    const at = this.page.at();
    for (const { name, list, build } of this.boxes) {
      if (!found[name]) continue;
      const shown = found[name].slice(0, SHOWN);
      const day = at === null ? "" : clockText(at, "day");
      refill(list, JSON.stringify([shown, day]), () => (shown.length ? shown.map(build) : [make("li", "soft", "none ", chinese("无"))]));
    }
  }

  when(ms) {
    return make("time", "", moment(ms, this.page.at()));
  }

  floor({ queue, floor }) {
    return make("li", "", this.when(floor.at_ms), make("b", "", queue), ` ${this.page.people.get(floor.by)?.name ?? floor.by}: ${floor.text}`);
  }

  trend({ queue, text, note }) {
    const item = make("li", "", this.when(note.since_ms), make("b", "", queue), ` ${text.includes(queue) ? text.replace(`${queue} `, "") : text}`, note.state === "over" ? " (over)" : "");
    item.dataset.state = note.state;
    return item;
  }

  problem({ queue, problem }) {
    const links = problem.orders.flatMap((id) => [" ", Object.assign(make("a", "", id), { href: `#order=${encodeURIComponent(id)}` })]);
    const name = (id) => this.page.people.get(id)?.name ?? id ?? "nobody";
    const item = make("li", "", this.when(problem.since_ms), make("b", "", queue), ` ${problemText(problem, name)}`, ...links);
    item.dataset.state = problem.state === "closed" ? "over" : "open";
    return item;
  }
}

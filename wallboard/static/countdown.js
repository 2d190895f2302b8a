// A limit as time left, with the same warnings as in the log: at 50 and at 75 % of it.

import { chinese, make, setAttribute, setText } from "./dom.js";
import { span } from "./words.js";

const [HALF, SHORT] = [0.5, 0.25];
/** How much of it is gone, with a shape of its own each. */
const GONE = { half: "◐ 50 %", short: "◕ 75 %" };

/** When the limit to resolve began to run, as far as the order itself tells. */
export const resolveFrom = (order) => order.negotiation?.agreed_at_ms ?? order.opened_ms;

export class Countdown {
  constructor(en, zh) {
    this.value = make("b");
    this.fill = make("span", "bar");
    this.gone = make("span", "gone");
    this.gone.title = "so much of the limit is gone";
    const name = make("span", "limit-name", `${en} `, chinese(zh), this.gone);
    this.element = make("div", "limit", name, this.value, make("span", "track", this.fill));
  }

  /** `done` says what to write instead; `waits`: the order is on hold, and the limit with it. */
  show(at, by, from, done, waits) {
    const open = by !== null && at !== null && !done;
    const left = open ? by - at : 0;
    let text = "–";
    if (done) text = done;
    else if (waits) text = "on hold";
    else if (open) text = left < 0 ? `overdue ${span(-left)}` : span(left);
    const share = open && by > from ? Math.max(0, Math.min(1, left / (by - from))) : 0;
    let level = "none";
    if (open && !waits) level = left < 0 ? "over" : share <= SHORT ? "short" : share <= HALF ? "half" : "good";
    setText(this.value, text);
    setText(this.gone, GONE[level] ?? "");
    setAttribute(this.element, "data-level", level);
    this.fill.style.width = `${(share * 100).toFixed(1)}%`;
  }
}

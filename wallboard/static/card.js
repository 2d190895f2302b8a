// One work order as a card: who, what, how long still, and the buttons.

import { make, setAttribute, setHidden, setText } from "./dom.js";
import { ORDER_STATES, SEVERITIES, figure, span } from "./words.js";

/** What a person can ask for in which state; whether it is granted is decided in the log. */
const BUTTONS = [
  ["acknowledge", "Acknowledge", "受理", new Set(["detected", "dispatched"])],
  ["analyse", "Analyse", "分析", new Set(["acknowledged"])],
  ["resolve", "Resolve", "处理完成", new Set(["acknowledged", "analysing"])],
];
const UNANSWERED = new Set(["detected", "dispatched"]);
const NOTE_MS = 20000;

const chinese = (text) => Object.assign(make("i", "", text), { lang: "zh" });

export class Card {
  /** `act(order, command)` is called for a button, `open(order)` for a look at the log. */
  constructor(id, act, open) {
    this.id = id;
    this.order = null;
    this.note = null; // kind, text, until when, and the offset in the log that it speaks of
    this.build(act, open);
  }

  build(act, open) {
    this.severity = make("span", "severity");
    this.queue = make("button", "queue");
    this.queue.type = "button";
    this.queue.title = "every decision about this order";
    this.queue.addEventListener("click", () => open(this.order));
    this.state = make("span", "order-state");
    this.stateZh = chinese("");
    this.symptoms = make("p", "symptoms");
    this.owner = make("span", "owner");
    this.reopened = make("span", "reopened");
    this.respond = new Countdown("respond", "响应");
    this.resolve = new Countdown("resolve", "解决");
    this.progress = make("span", "bar");
    this.verified = make("span", "verified");
    this.verification = make("p", "verification", make("span", "track", this.progress), this.verified);
    this.text = make("p", "text");
    this.buttons = BUTTONS.map(([command, en, zh, states]) => {
      const button = make("button", `do ${command}`, `${en} `, chinese(zh));
      button.type = "button";
      button.addEventListener("click", () => act(this.order, command));
      return [button, states];
    });
    this.limits = make("div", "limits", this.respond.element, this.resolve.element);
    this.row = make("div", "buttons", ...this.buttons.map(([button]) => button));
    this.element = make(
      "article", "card",
      make("div", "head", this.severity, this.queue, make("span", "order-state-box", this.state, " ", this.stateZh)),
      this.symptoms,
      make("p", "people", this.owner, this.reopened),
      this.limits, this.verification, this.text, this.row,
    );
    this.element.dataset.order = this.id;
  }

  /** `describe(rule)` puts a rule id into words. */
  update(order, describe) {
    if (this.note && order.pos[1] > this.note.offset) this.note = null;
    this.order = order;
    const [en, zh] = ORDER_STATES[order.state] ?? [order.state, ""];
    const over = order.state === "closed" || order.state === "cancelled";
    setText(this.severity, String(order.severity));
    setAttribute(this.severity, "data-severity", String(order.severity));
    setAttribute(this.severity, "title", `severity ${order.severity}: ${SEVERITIES[order.severity] ?? ""}`);
    setText(this.queue, order.queue);
    setText(this.state, en);
    setText(this.stateZh, zh);
    setAttribute(this.element, "data-state", order.state);
    setText(this.symptoms, order.symptoms.map((rule) => describe(rule, over || order.active.includes(rule))).join(" · "));
    setText(this.owner, order.owner_name || "no owner");
    setText(this.reopened, order.reopened ? `reopened ${order.reopened}×` : "");
    setHidden(this.limits, over);
    setHidden(this.row, over);
    for (const [button, states] of this.buttons) button.disabled = !states.has(order.state);
    this.showVerification(order, over);
    this.showText(performance.now());
  }

  showVerification(order, over) {
    const v = order.verification;
    setHidden(this.verification, over || !v);
    if (!v) return;
    setText(this.verified, `${v.seen} of ${v.needed} calls${v.state === "running" ? "" : ` · ${v.state}`}`);
    this.progress.style.width = `${Math.min(100, (100 * v.seen) / Math.max(1, v.needed))}%`;
    setAttribute(this.verification, "data-state", v.state);
  }

  /** Something to say for a while in place of the order's sentence: a refusal, or that a command is on its way. */
  say(kind, text, offset = this.order.pos[1]) {
    this.note = { kind, text, offset, until: performance.now() + NOTE_MS };
    this.showText(performance.now());
  }

  /** A refusal is worth saying while it is the last thing that happened to the order. */
  refused(alert) {
    if (alert.pos[1] < this.order.pos[1]) return;
    const text = alert.text || alert.title;
    this.say("refused", /refused/i.test(text) ? text : `refused: ${text}`, alert.pos[1]);
  }

  showText(now) {
    if (this.note && now > this.note.until) this.note = null;
    const over = this.order.state === "closed" || this.order.state === "cancelled";
    const sentence = over ? this.order.verification?.sentence || this.order.sentence : this.order.sentence;
    setText(this.text, this.note?.text ?? sentence);
    setAttribute(this.text, "title", this.note?.text ?? sentence);
    setAttribute(this.text, "data-kind", this.note?.kind ?? "");
  }

  /** Limits against stream time `at` (null: unknown). */
  tick(at, now) {
    const { order } = this;
    const waits = order.state === "on_hold";
    this.respond.show(at, order.respond_by_ms, order.opened_ms, UNANSWERED.has(order.state) ? "" : "done", waits);
    this.resolve.show(at, order.resolve_by_ms, order.opened_ms, "", waits);
    this.showText(now);
  }

  /** Time left to the limit that matters next, for the tile. */
  left(at) {
    const by = UNANSWERED.has(this.order.state) ? this.order.respond_by_ms : this.order.resolve_by_ms;
    if (at === null || by === null || this.order.state === "on_hold") return "";
    return at > by ? `overdue ${span(at - by)}` : span(by - at);
  }
}

/** The limit of a card: words, time left and a bar that empties. */
class Countdown {
  constructor(en, zh) {
    this.value = make("b");
    this.fill = make("span", "bar");
    this.element = make("div", "limit", make("span", "limit-name", `${en} `, chinese(zh)), this.value, make("span", "track", this.fill));
  }

  show(at, by, from, done, waits) {
    const open = by !== null && at !== null && !done;
    const left = open ? by - at : 0;
    let text = "–";
    if (done) text = done;
    else if (waits) text = "on hold";
    else if (open) text = left < 0 ? `overdue ${span(-left)}` : span(left);
    const share = open && by > from ? Math.max(0, Math.min(1, left / (by - from))) : 0;
    let level = "none";
    if (open && !waits) level = left < 0 ? "over" : share < 0.25 ? "short" : "good";
    setText(this.value, text);
    setAttribute(this.element, "data-level", level);
    this.fill.style.width = `${(share * 100).toFixed(1)}%`;
  }
}

/** A rule in words: "live service level below 80.0 % (5 min)". */
export function describeRule(rule, metric) {
  if (!rule) return null;
  const name = metric ? `${metric.en} ${metric.zh}` : rule.metric;
  const window = rule.window === "now" ? "" : ` (${rule.window.replace("m", " min")})`;
  return `${name} ${rule.below ? "below" : "above"} ${figure(metric?.unit, rule.limit)}${window}`;
}

// One work order as a card: who, what, how long still, and the next steps. Opened, it tells everything (`details.js`).

import { Countdown, resolveFrom } from "./countdown.js";
import { button, chinese, make, setAttribute, setHidden, setText } from "./dom.js";
import { STEPS, steps } from "./steps.js";
import { ORDER_STATES, SEVERITIES, figure, span } from "./words.js";

/** The steps that a card offers: the first two of these that are open; all others are in the opened card. */
const NEXT = ["acknowledge", "analyse", "resolve", "sign_check", "sign_evidence", "resume", "take", "hold"];
const SHOWN = 2;
const UNANSWERED = new Set(["detected", "dispatched"]);
const NOTE_MS = 20000;

export const isOver = (order) => order.state === "closed" || order.state === "cancelled";

export class Card {
  /** `act(order, command)` is called for a button, `open(id)` for the whole order; `context(order)` is for `steps`. */
  constructor(id, act, open, context) {
    this.id = id;
    this.order = null;
    this.context = context;
    this.note = null; // kind, text, until when, and the offset in the log that it speaks of
    this.build(act, open);
  }

  build(act, open) {
    this.severity = make("span", "severity");
    this.queue = make("button", "queue");
    this.queue.type = "button";
    this.queue.title = "everything about this order";
    this.queue.addEventListener("click", () => open(this.id));
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
    this.buttons = NEXT.map((command) => {
      const step = STEPS.find((s) => s.command === command);
      return [button(`do ${command}`, step.en, step.zh, () => act(this.order, command)), command];
    });
    this.more = button("more", "Open", "详情", () => open(this.id));
    this.limits = make("div", "limits", this.respond.element, this.resolve.element);
    this.row = make("div", "buttons", ...this.buttons.map(([b]) => b), this.more);
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
    const over = isOver(order);
    setText(this.severity, String(order.severity));
    setAttribute(this.severity, "data-severity", String(order.severity));
    setAttribute(this.severity, "title", `severity ${order.severity}: ${SEVERITIES[order.severity] ?? ""}`);
    setText(this.queue, order.queue);
    setText(this.state, en);
    setText(this.stateZh, zh);
    setAttribute(this.element, "data-state", order.state);
    const found = order.findings.map((f) => f.text);
    setText(this.symptoms, [...order.symptoms.map((rule) => describe(rule, over || order.active.includes(rule))), ...found].join(" · "));
    setText(this.owner, order.owner_name || "no owner");
    setText(this.reopened, order.reopened ? `reopened ${order.reopened}×` : "");
    setHidden(this.limits, over);
    setHidden(this.row, over);
    this.showSteps();
    this.showVerification(order, over);
    this.showText(performance.now());
  }

  /** The next steps; also when somebody else acts. */
  showSteps() {
    const open = new Set(steps(this.context(this.order)).map((step) => step.command));
    const shown = NEXT.filter((command) => open.has(command)).slice(0, SHOWN);
    for (const [element, command] of this.buttons) setHidden(element, !shown.includes(command));
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
    const sentence = isOver(this.order) ? this.order.verification?.sentence || this.order.sentence : this.order.sentence;
    setText(this.text, this.note?.text ?? sentence);
    setAttribute(this.text, "title", this.note?.text ?? sentence);
    setAttribute(this.text, "data-kind", this.note?.kind ?? "");
  }

  /** Limits against stream time `at` (null: unknown). */
  tick(at, now) {
    showLimits(this.order, this.respond, this.resolve, at);
    this.showText(now);
  }

  /** Time left to the limit that matters next, for the tile. */
  left(at) {
    const by = UNANSWERED.has(this.order.state) ? this.order.respond_by_ms : this.order.resolve_by_ms;
    if (at === null || by === null || this.order.state === "on_hold") return "";
    return at > by ? `overdue ${span(at - by)}` : span(by - at);
  }
}

/** Both limits of an order as they stand at `at`. */
export function showLimits(order, respond, resolve, at) {
  const waits = order.state === "on_hold";
  respond.show(at, order.respond_by_ms, order.opened_ms, UNANSWERED.has(order.state) ? "" : "done", waits);
  resolve.show(at, order.resolve_by_ms, resolveFrom(order), isOver(order) ? "done" : "", waits);
}

/** A rule in words: "live service level below 80.0 % (5 min)". */
export function describeRule(rule, metric) {
  if (!rule) return null;
  const name = metric ? `${metric.en} ${metric.zh}` : rule.metric;
  const window = rule.window === "now" ? "" : ` (${rule.window.replace("m", " min")})`;
  return `${name} ${rule.below ? "below" : "above"} ${figure(metric?.unit, rule.limit)}${window}`;
}

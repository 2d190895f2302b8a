// An order, opened: all that is known of it, what can be done with it now, what like orders have taught, and its log.

import { Countdown } from "./countdown.js";
import { isOver, showLimits } from "./card.js";
import { button, byId, chinese, make, refill, setAttribute, setHidden, setText } from "./dom.js";
import { get } from "./feed.js";
import { STEPS, asked, steps } from "./steps.js";
import { clockText, moment } from "./when.js";
import { FINDING_KINDS, FINDING_STATES, ORDER_STATES, SEVERITIES, TIERS, WAYS, figure, problemText, span, waitingText } from "./words.js";

/** Changes of an order come in bursts; its log is read once for each. */
const AGAIN_MS = 300;
const ADDRESS = /^#order=(.+)$/;

export class Details {
  /** `page` has `act(order, command, args)`, `context(order)`, `describe(rule, active)`, `people`, `metrics`, `at()`. */
  constructor(page) {
    this.page = page;
    this.id = null;
    this.order = null;
    this.problem = null;
    this.timer = 0;
    this.respond = new Countdown("respond", "响应");
    this.resolve = new Countdown("resolve", "解决");
    byId("details-limits").append(this.respond.element, this.resolve.element);
    this.buttons = STEPS.map((step) => {
      const element = button(`do ${step.command}`, step.en, step.zh, () => page.act(this.order, step.command));
      byId("details-steps").append(element);
      return [element, step.command];
    });
    byId("details-close").addEventListener("click", () => byId("details").close());
    byId("details").addEventListener("close", () => this.closed());
    addEventListener("hashchange", () => this.follow());
  }

  /** Open what the address names, close what it does not name any more. */
  follow() {
    const id = this.named();
    if (id) this.open(id);
    else if (byId("details").open) byId("details").close();
  }

  named() {
    const found = ADDRESS.exec(location.hash);
    if (!found) return null;
    try {
      return decodeURIComponent(found[1]);
    } catch {
      return found[1];
    }
  }

  async open(id) {
    clearTimeout(this.timer);
    if (this.id !== id) {
      this.id = id;
      this.order = null;
      this.say("", "");
      setText(byId("details-title"), id);
      setHidden(byId("details-body"), true);
      setText(byId("details-about"), "");
    }
    if (this.named() !== id) history.replaceState(null, "", `#order=${encodeURIComponent(id)}`);
    if (!byId("details").open) byId("details").showModal();
    await this.load();
  }

  closed() {
    this.id = this.order = null;
    clearTimeout(this.timer);
    if (this.named()) history.replaceState(null, "", location.pathname + location.search);
  }

  /** The order changed: look again, once for a burst. */
  changed(order) {
    if (order.id !== this.id) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), AGAIN_MS);
  }

  async load() {
    const { id } = this;
    const found = await get(`/api/orders/${encodeURIComponent(id)}`).catch((error) => error);
    if (this.id !== id) return;
    if (found instanceof Error) {
      if (this.order === null) this.unknown(id, found);
      return;
    }
    if (this.order && found.version < this.order.version) return;
    this.order = found;
    this.asked = asked(found.log);
    this.problem = found.problem ? await this.problemOf(found.problem) : null;
    if (this.id === id) this.draw();
  }

  async problemOf(id) {
    const { problems } = await get("/api/problems").catch(() => ({ problems: [] }));
    return problems.find((alert) => alert.problem.id === id)?.problem ?? { id };
  }

  unknown(id, error) {
    const gone = /404$/.test(error.message);
    setText(byId("details-about"), gone
      ? `This wallboard does not know order ${id}: it keeps open orders and those closed lately. The log has every order; read it with: callwatch orders why ${id}`
      : `The order cannot be read just now: ${error.message}`);
  }

  /** What a command came to; empty to say nothing. */
  say(kind, text) {
    setText(byId("details-said"), text);
    setAttribute(byId("details-said"), "data-kind", kind);
  }

  draw() {
    const { order } = this;
    const [en, zh] = ORDER_STATES[order.state] ?? [order.state, ""];
    setText(byId("details-title"), `${order.queue} · ${order.id}`);
    setText(byId("details-severity"), String(order.severity));
    setAttribute(byId("details-severity"), "data-severity", String(order.severity));
    byId("details-state").replaceChildren(`${en} `, chinese(zh));
    setAttribute(byId("details-state"), "data-state", order.state);
    setText(byId("details-about"), order.sentence);
    setHidden(byId("details-body"), false);
    this.drawSteps();
    this.tick(this.page.at());
    this.part("briefing", order.briefing ?? null, () => this.briefing(order.briefing));
    refill(byId("details-facts"), JSON.stringify([this.facts()]), () => this.facts().map(fact));
    this.part("negotiation", order.negotiation, () => this.offers(order.negotiation));
    this.part("symptoms", order.symptoms.length ? [order.symptoms, order.active] : null, () =>
      order.symptoms.map((rule) => this.symptom(rule, order.active.includes(rule))));
    this.part("findings", order.findings.length ? order.findings : null, () => order.findings.map((f) => this.finding(f)));
    this.part("like", order.like.length ? order.like : null, () => order.like.map((like) => this.like(like)));
    this.part("playbooks", order.playbooks?.length ? [order.playbooks, this.page.me()?.tier] : null, () => order.playbooks.map((book) => this.playbook(book)));
    refill(byId("details-log"), JSON.stringify([order.id, order.log.length, order.version]), () => order.log.toReversed().map((entry) => this.logLine(entry)));
  }

  /** Whoever acts may have other steps. */
  drawSteps() {
    if (!this.order) return;
    const open = new Set(steps({ ...this.page.context(this.order), asked: this.asked, problemOpen: this.problem?.state !== "closed" }).map((step) => step.command));
    for (const [element, command] of this.buttons) setHidden(element, !open.has(command));
  }

  /** The part of that name with its heading, or neither when it has nothing in it. */
  part(name, shown, build) {
    setHidden(byId(`details-${name}`).parentElement, shown === null);
    if (shown !== null) refill(byId(`details-${name}`), JSON.stringify(shown), build);
  }

  name(id) {
    return this.page.people.get(id)?.name ?? id ?? "nobody";
  }

  facts() {
    const { order, asked: told } = this;
    const at = this.page.at();
    const asks = order.consultation;
    const { storm, outage } = order;
    const plan = this.page.row(order.queue)?.plan;
    const owner = order.owner ? `${order.owner_name || order.owner}${told.since === null ? "" : `, since ${moment(told.since, at)}`}` : "nobody";
    return [
      ["owner", "责任人", owner],
      ["liaison", "联络员", order.liaison && this.name(order.liaison)],
      ["opened", "发现时间", `${moment(order.opened_ms, at)}${order.reopened ? `, reopened ${order.reopened}×` : ""}${order.escalation ? `, escalated ${order.escalation}×` : ""}`],
      ["severity", "级别", `${order.severity}, ${SEVERITIES[order.severity] ?? ""}`],
      ["no connection", "无法接通", outage && (outage.ended_ms === null ? `for ${span(Math.floor((at - outage.since_ms) / 60000) * 60000)}, since ${moment(outage.since_ms, at)}${outage.marks.length ? `, longer than ${Math.max(...outage.marks)} h` : ""}` : `${moment(outage.since_ms, at)} to ${moment(outage.ended_ms, at)}`)],
      ["plan", "计划", !isOver(order) && plan && `${plan.ending.english} ${plan.ending.chinese}`],
      ["storm", "大面积异动", storm && `${storm.open} of ${storm.count} queues still open: ${storm.queues.join(", ")}${storm.count > storm.queues.length ? ` and ${storm.count - storm.queues.length} more` : ""}`],
      ["parent order", "上级工单", order.parent && `${order.parent}${isOver(order) ? "" : ", held under it: nobody is paged, its limits stand still"}`],
      ["page", "呼叫", order.withheld && "waits a moment: other queues may break with it"],
      ["take part", "会商", asks && [...asks.people.map((p) => this.name(p)), ...asks.departments].join(", ")],
      ["supervised by", "督导", asks && this.name(asks.supervisor)],
      ["handed to", "待接班", told.handed && !isOver(order) && `${this.name(told.handed)}, not accepted yet`],
      ["to be cancelled", "申请取消", told.cancel && `asked by ${this.name(told.cancel)}: ${told.reason}`],
      ["until", "截至", order.hold_until_ms && moment(order.hold_until_ms, at)],
      ["cause, measure", "原因与措施", order.cause && `${this.cause(order.cause)}: ${order.measure ?? ""}`],
      ["verification", "验证", order.verification && `${order.verification.state}: ${order.verification.sentence}`],
      ["problem record", "问题记录", this.problem && (this.problem.half_hour ? problemText(this.problem, (id) => this.name(id)) : this.problem.id)],
      ["verdict", "评定", told.verdict],
    ].filter(([, , value]) => value);
  }

  cause(id) {
    const known = this.page.causes.find((c) => c.id === id);
    return known?.title ? `${known.title} ${known.zh}`.trim() : id;
  }

  offers({ default_ms: before, offers, agreed_ms: agreed, agreed_by: by }) {
    const at = this.page.at();
    const line = (kind, ...text) => Object.assign(make("li", kind), { textContent: text.join("") });
    return [
      line("", "before it was talked about: ", moment(before, at)),
      ...offers.map((o) => line("", this.name(o.by), o.side ? ` (${o.side})` : "", " offers ", moment(o.until_ms, at))),
      agreed === null ? line("open", "not agreed yet") : line("agreed", "agreed by ", this.name(by), ": ", moment(agreed, at)),
    ];
  }

  /** What was known of the trouble when the order was briefed last. */
  briefing({ at_ms: told, english, chinese: zh }) {
    return [
      make("li", "soft", `as of ${clockText(told)}`),
      ...english.map((sentence, n) => make("li", "", `${sentence} `, chinese(zh[n] ?? ""))),
    ];
  }

  symptom(rule, active) {
    const item = make("li", "", this.page.describe(rule, active));
    item.dataset.active = String(active);
    return item;
  }

  finding(f) {
    const [[kind, kindZh], [way, wayZh], [state, stateZh]] = [FINDING_KINDS[f.kind], WAYS[f.verify], FINDING_STATES[f.state]];
    const metric = this.page.metrics.get(f.metric);
    const how = {
      figure: () => `${metric?.en ?? f.metric} ${f.below ? "at least" : "at most"} ${figure(metric?.unit, f.limit)} (${f.window})`,
      signed: () => `by ${this.name(f.person)}`,
      sender: () => `of ${f.by}`,
    }[f.verify]?.();
    const item = make(
      "li", "finding",
      make("p", "", make("b", "", `${f.severity} ${kind} `), chinese(kindZh), " ", f.text),
      make("p", "soft", `${this.name(f.by)}, ${moment(f.at_ms, this.page.at())} · over by ${way} `, chinese(wayZh), how ? ` ${how}` : ""),
      make("p", "result", `${state} `, chinese(stateZh), f.evidence ? `: ${f.evidence}` : ""),
    );
    item.dataset.state = f.state;
    return item;
  }

  /** A closed order that was like this one, and whether it helped. */
  like(like) {
    const link = Object.assign(make("a", "", like.order), { href: `#order=${encodeURIComponent(like.order)}` });
    link.dataset.key = `like ${like.order}`;
    const answers = [["yes", "Yes", "有"], ["no", "No", "无"]].map(([value, en, zh]) => {
      const element = button("answer", en, zh, () => this.page.act(this.order, "helped", { like: like.order, helped: value }));
      element.dataset.key = `${like.order} ${value}`;
      element.setAttribute("aria-pressed", String(like.helped === value));
      return element;
    });
    return make(
      "li", "like",
      make("p", "", link, ` ${like.queue} · ${Math.round(like.score * 100)} % alike · ${like.minutes} min`),
      make("p", "", make("b", "", this.cause(like.cause)), `: ${like.measure}`),
      make("p", "soft", like.effect),
      make("p", "answers", "did it help? ", chinese("是否有帮助"), " ", ...answers),
    );
  }

  playbook(book) {
    const tier = this.page.me()?.tier;
    const list = make("ol", "steps", ...book.steps.map((step) => {
      const [en, zh] = TIERS[step.tier] ?? [`tier ${step.tier}`, ""];
      const asks = tier !== undefined && tier < step.tier;
      const line = make("li", "", make("span", "tier", `${en} `, chinese(zh), asks ? " · ask first" : ""), make("span", "", step.text, " ", chinese(step.zh)));
      line.dataset.asks = String(asks);
      return line;
    }));
    return make("li", "book", make("b", "", book.title || book.kind, " ", chinese(book.zh)), list);
  }

  logLine(entry) {
    const { metrics } = this.page;
    const live = Object.entries(entry.live).map(([name, value]) => {
      const [metric] = name.split("@");
      return `${metrics.get(metric)?.en ?? metric} ${figure(metrics.get(metric)?.unit, value)}`;
    });
    const line = make(
      "div", "entry",
      make("time", "", clockText(entry.at_ms)),
      make("b", "", entry.decision),
      make("span", "who", entry.actor === "system" ? "system" : this.name(entry.actor)),
      make("span", "why", `${entry.event}: ${entry.why}`),
      make("span", "live", live.join(" · ")),
    );
    line.dataset.decision = entry.decision;
    return line;
  }

  /** Limits against stream time. */
  tick(at) {
    const row = this.order && !isOver(this.order) ? this.page.row(this.order.queue) : null;
    setText(byId("details-waiting"), row ? `now: ${waitingText(row).join(" ")}` : "");
    if (this.order && byId("details").open) showLimits(this.order, this.respond, this.resolve, at);
  }
}

function fact([en, zh, value]) {
  return make("div", "", make("dt", "", `${en} `, chinese(zh)), make("dd", "", value));
}

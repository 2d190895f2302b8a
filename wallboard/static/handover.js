// The sheets of a shift's end (交接班): what the incoming lead takes on by name, with one button.

import { isOver } from "./card.js";
import { button, chinese, make, refill } from "./dom.js";
import { clockText, moment } from "./when.js";
import { HANDOVER_STATES, ORDER_STATES, PLANNED_KINDS, TIERS, span } from "./words.js";

/** A sheet stays for this long into the new shift, and as long as something on it waits. */
const STAYS_MS = 60 * 60000;

const lives = (part) => part.now !== null && !isOver(part.now);
/** Whether an order on a sheet still waits: not when somebody else was given it meanwhile. */
const waits = (part) => ["offered", "late"].includes(part.handover) && lives(part) && part.now.owner === part.owner_then;

/** The sheets of now: of each department its last change of shifts. */
export function current(sheets, at) {
  const seen = new Set();
  return sheets.filter((sheet) => {
    if (seen.has(sheet.department)) return false;
    seen.add(sheet.department);
    return sheet.orders.some(waits) || (at !== null && at < sheet.starts_ms + STAYS_MS);
  });
}

export const waiting = (sheet) => sheet.orders.filter(waits);
export const isLate = (sheet, at) => waiting(sheet).some((part) => part.handover === "late") || (waiting(sheet).length > 0 && at !== null && at > sheet.accept_by_ms);

/** A box of sheets. `page` has `me()`, `people`, `at()`, `open(id)`, `accept(sheet)`. */
export class Sheets {
  constructor(box, page) {
    this.box = box;
    this.page = page;
    this.sheets = [];
    this.said = new Map(); // department to what its acceptance came to
  }

  show(sheets) {
    this.sheets = sheets;
    this.draw();
  }

  say(department, kind, text) {
    this.said.set(department, [kind, text]);
    this.draw();
  }

  draw() {
    const key = JSON.stringify([this.sheets, this.page.me()?.id, [...this.said]]);
    refill(this.box, key, () => this.sheets.map((sheet) => this.sheet(sheet)));
  }

  /** Time left to accept. */
  tick(at) {
    for (const [i, element] of [...this.box.children].entries()) {
      const left = element.querySelector(".left");
      const sheet = this.sheets[i];
      if (!left || !sheet || at === null) continue;
      const text = at < sheet.starts_ms ? `shift ends in ${span(sheet.starts_ms - at)}` : at < sheet.accept_by_ms ? `${span(sheet.accept_by_ms - at)} to accept` : `overdue ${span(at - sheet.accept_by_ms)}`;
      if (left.textContent !== text) left.textContent = text;
    }
  }

  name(id) {
    return id ? this.page.people.get(id)?.name ?? id : "nobody";
  }

  sheet(sheet) {
    const at = this.page.at();
    const open = sheet.orders.filter(lives);
    const held = open.filter((part) => part.now.state === "on_hold");
    const undecided = open.filter((part) => part.now.verification?.state === "undecided");
    const element = make(
      "article", "sheet",
      make("h3", "", sheet.department),
      make("p", "", `${sheet.shift} until ${moment(sheet.ends_ms, at)}: `, make("b", "", this.name(sheet.lead)), " hands over"),
      make("p", "", `${sheet.next_shift ?? "no shift"} from ${moment(sheet.starts_ms, at)}: `, make("b", "", this.name(sheet.next_lead)), ` accepts until ${moment(sheet.accept_by_ms, at)}`),
      this.acceptance(sheet),
      list("open orders", "未结工单", open, (part) => this.order(part)),
      list("on hold", "挂起", held, (part) => line(part.queue, `until ${moment(part.now.hold_until_ms, at)}`)),
      list("undecided verifications", "未决验证", undecided, (part) => line(part.queue, part.now.verification.sentence)),
      list("planned events", "计划事件", sheet.planned, (e) => line(`${(PLANNED_KINDS[e.kind] ?? [e.kind]).join(" ")} ${e.covers}`, `${moment(e.from_ms, at)} to ${moment(e.until_ms, at)}: ${e.text}`)),
      ...some("emergencies", "紧急状态", sheet.emergencies, (e) => line(e.covers, `since ${moment(e.since_ms, at)}: ${e.reason}`)),
      ...some("kept quiet by planned events", "计划内未派单", sheet.kept_quiet, (k) => line(k.queue, k.text)),
      list("staffing gaps", "人员缺口", sheet.gaps, (gap) => line(TIERS[gap.tier]?.join(" ") ?? `tier ${gap.tier}`, gap.reason.replaceAll("_", " "))),
      list("unusual figures", "异常指标", sheet.unusual, (u) => line(u.queue, u.text)),
      list("notes", "备注", sheet.notes, (note) => line(`${clockText(note.at_ms, "minute")} ${note.queue}`, `${this.name(note.by)}: ${note.text}`)),
    );
    element.dataset.department = sheet.department;
    return element;
  }

  acceptance(sheet) {
    const orders = waiting(sheet);
    const [kind, text] = this.said.get(sheet.department) ?? ["", ""];
    const said = make("p", "said", text);
    said.dataset.kind = kind;
    said.setAttribute("role", "status");
    if (!orders.length) return make("div", "acceptance", make("p", "soft", "nothing waits to be accepted ", chinese("无待接班工单")), said);
    const is = this.page.me()?.id === sheet.next_lead;
    const name = this.name(sheet.next_lead);
    const accept = button("main", `Accept ${orders.length} as ${name}`, "接班", () => this.page.accept(sheet));
    accept.dataset.key = `accept ${sheet.department}`;
    accept.disabled = !is;
    const who = is ? "" : `for ${name} alone: choose the name under "acting as"`;
    return make("div", "acceptance", make("p", "left"), accept, make("p", "soft", who), said);
  }

  order(part) {
    const [state, stateZh] = HANDOVER_STATES[waits(part) ? part.handover : part.handover === "accepted" ? "accepted" : "stays"];
    const link = Object.assign(make("a", "", part.queue), { href: `#order=${encodeURIComponent(part.id)}` });
    link.dataset.key = part.id;
    const [en] = ORDER_STATES[part.now.state] ?? [part.now.state];
    const item = make("li", "", link, ` severity ${part.now.severity}, ${en}, ${part.now.owner_name || "nobody"}: `, make("b", "", `${state} `, chinese(stateZh)));
    item.dataset.handover = part.handover;
    return item;
  }
}

const line = (head, text) => make("li", "", make("b", "", head), " ", text);

/** A list that is there only with something in it. */
const some = (en, zh, items, build) => (items?.length ? [list(en, zh, items, build)] : []);

function list(en, zh, items, build) {
  const none = make("li", "soft", "none ", chinese("无"));
  return make("section", "", make("h4", "", `${en} `, chinese(zh)), make("ul", "", ...(items.length ? items.map(build) : [none])));
}

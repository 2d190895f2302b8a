// What people can ask for: in which state each command is legal (the table of `alerts/workorder.py`, held to it by a
// test), what else must be so, and what it needs to be told. Whether it is granted is decided in the log.

const OPEN = ["detected", "dispatched", "acknowledged", "analysing", "verifying", "on_hold", "accepted"];
const ALL = [...OPEN, "closed", "cancelled"];
const UNANSWERED = ["detected", "dispatched"];
const WORKING = [...UNANSWERED, "acknowledged", "analysing"];
const AWAKE = [...WORKING, "verifying"];
const LEAD = 1;
const SUPERVISOR = 3;

const text = (en, zh, required = true) => ({ name: "text", en, zh, required });
const minutes = (value) => ({ name: "minutes", en: "minutes from now", zh: "分钟", kind: "number", required: true, value, min: 1, max: 43200 });
const reason = (en, zh, required = true) => ({ name: "reason", en, zh, required });
const someone = (name, en, zh, people, required = true) => ({
  name, en, zh, required, kind: "select",
  options: [["", required ? "choose …" : "nobody"], ...people.map((p) => [p.id, p.department ? `${p.name} · ${p.department}` : p.name])],
});
const until = (values, at) => ({ reason: values.reason, until_ms: Math.round(at + values.minutes * 60000) });
const canOwn = (c) => c.people.filter((p) => p.tier >= LEAD && p.id !== c.order.owner);
const atLeast = (c, tier) => !c.me || c.me.tier >= tier;
const openOffer = (order) => (order.negotiation && order.negotiation.agreed_ms === null ? order.negotiation.offers.at(-1) : null);
const toSign = (c) => c.order.findings.filter((f) => f.verify === "signed" && f.state !== "passed" && (!c.me || f.person === c.me.id));
const supervising = (c) => !c.me || c.order.consultation?.supervisor === c.me.id || Boolean(c.departments.find((d) => d.name === c.me.department)?.supervises);
/** Who takes part besides the owner, as options. */
const parts = ({ order: { consultation: asks }, people }) => [
  ...(asks?.people ?? []).map((id) => [`p ${id}`, people.find((p) => p.id === id)?.name ?? id]),
  ...(asks?.departments ?? []).map((name) => [`d ${name}`, name]),
  ...(asks?.supervisor ? [[`p ${asks.supervisor}`, `${people.find((p) => p.id === asks.supervisor)?.name ?? asks.supervisor} (supervises)`]] : []),
];

/**
 * The commands in the order of a loop. `c` has the order, its `asked` (who wants it cancelled, to whom it is handed), `me`
 * (null: nobody chosen), people, departments, causes. `may` narrows what the state allows; `fields` are the
 * inputs of the dialog (none: it is sent at once); `args` makes the command's arguments of their values.
 */
export const STEPS = [
  { command: "acknowledge", en: "Acknowledge", zh: "受理", states: UNANSWERED },
  { command: "accept_handover", en: "Accept handover", zh: "接班", states: OPEN, may: (c) => Boolean(c.asked?.handed) && (!c.me || c.asked.handed === c.me.id) },
  { command: "analyse", en: "Analyse", zh: "分析", states: ["acknowledged"] },
  {
    command: "resolve", en: "Resolve", zh: "处理完成", states: ["acknowledged", "analysing", "accepted"],
    hint: "Closing follows when the next calls are served within the limit; it is refused while callers wait past the threshold.",
    fields: (c) => [
      { name: "cause", en: "cause", zh: "原因", kind: "select", required: true, options: c.causes.map((x) => [x.id, x.zh ? `${x.title || x.id} ${x.zh}` : x.title || x.id]) },
      { name: "measure", en: "measure, one line", zh: "措施", required: true, max: 200 },
    ],
  },
  { command: "sign_check", en: "Sign the check", zh: "签字核查", states: ["verifying"], may: (c) => toSign(c).length > 0,
    fields: (c) => [
      { name: "finding", en: "finding", zh: "上报", kind: "select", required: true, options: toSign(c).map((f) => [f.id, f.text]) },
      { name: "outcome", en: "outcome", zh: "结果", kind: "select", required: true, options: [["passed", "passed 已消除"], ["failed", "failed 仍存在"]] },
      text("what the check has shown", "核查情况"),
    ] },
  { command: "sign_evidence", en: "Sign evidence", zh: "签字佐证", states: ["verifying"],
    may: (c) => c.order.verification?.state === "undecided" && atLeast(c, LEAD) && c.order.findings.every((f) => f.state === "passed"),
    hint: "In place of the calls that did not come: it is reported apart.", fields: () => [text("what shows that it is over", "佐证")] },
  { command: "resume", en: "Resume", zh: "恢复处理", states: ["on_hold"] },
  { command: "agree_limit", en: "Agree to the limit", zh: "同意时限", states: [...WORKING, "on_hold"],
    may: (c) => Boolean(openOffer(c.order)) && (!c.me || openOffer(c.order).by !== c.me.id), args: (_, c) => ({ until_ms: openOffer(c.order).until_ms }) },
  { command: "confirm_cancel", en: "Confirm cancelling", zh: "确认取消", states: OPEN, may: (c) => Boolean(c.asked?.cancel) && (!c.me || c.asked.cancel !== c.me.id),
    hint: "The order ends as cancelled, with you as the second person.", fields: () => [] },
  { command: "take", en: "Take over", zh: "接手", states: OPEN,
    may: (c) => atLeast(c, LEAD) && (!c.me || ((c.me.id !== c.order.owner || UNANSWERED.includes(c.order.state)) && c.me.id !== c.order.consultation?.supervisor)) },
  { command: "supervise", en: "Supervise", zh: "督办", states: OPEN, may: supervising, hint: "It is logged, and the owner is paged.", fields: () => [text("what is urged", "督办意见")] },
  { command: "note", en: "Note", zh: "备注", states: ALL, fields: () => [text("note, one line", "备注")] },
  { command: "hold", en: "Hold", zh: "挂起", states: [...AWAKE, "accepted"], hint: "Its limits stop until then.",
    fields: () => [reason("reason, one line", "原因"), minutes(30)], args: (v, c) => until(v, c.at) },
  { command: "propose_limit", en: "Propose a limit", zh: "协商时限", states: [...WORKING, "on_hold"], hint: "The other side agrees or counters; until then the limit before it runs on.",
    fields: () => [minutes(60), reason("why", "理由", false)], args: (v, c) => until(v, c.at) },
  { command: "consult", en: "Consult", zh: "会商", states: OPEN, hint: "Over several departments somebody who does not handle it supervises.",
    fields: (c) => [
      text("what is asked", "会商事项"),
      someone("person", "person who takes part", "参与人", c.people.filter((p) => p.id !== c.order.owner), false),
      { name: "department", en: "department that takes part", zh: "参与部门", kind: "select", options: [["", "none"], ...c.departments.map((d) => [d.name, d.title || d.name])] },
      someone("supervisor", "supervised by", "督导人", c.people, false),
    ] },
  { command: "release", en: "End taking part", zh: "退出会商", states: OPEN, may: (c) => parts(c).length > 0,
    fields: (c) => [{ name: "who", en: "who takes part no longer", zh: "退出方", kind: "select", required: true, options: parts(c) }, text("why", "理由", false)],
    args: (v) => ({ [v.who.startsWith("p ") ? "person" : "department"]: v.who.slice(2), text: v.text }) },
  { command: "reassign", en: "Reassign", zh: "转派", states: OPEN, fields: (c) => [someone("person", "to", "转给", canOwn(c)), reason("why", "理由", false)] },
  { command: "hand_over", en: "Hand over", zh: "交班", states: OPEN, hint: "You stay accountable until it is accepted by name.", fields: (c) => [someone("person", "to", "交给", canOwn(c))] },
  { command: "report", en: "Add a finding", zh: "上报异动", states: OPEN },
  { command: "accept", en: "Accept the shortfall", zh: "接受现状", states: AWAKE, may: (c) => atLeast(c, SUPERVISOR),
    hint: "For one shift at most; the tile stays red, and it is judged again at the end.", fields: () => [reason("the shortfall and why it may stand", "说明"), minutes(120)], args: (v, c) => until(v, c.at) },
  { command: "cancel", en: "Cancel", zh: "取消", states: OPEN, may: (c) => !c.asked?.cancel, hint: "A second person confirms.",
    fields: () => [
      { name: "why", en: "it is", zh: "性质", kind: "select", required: true, options: [["false alarm", "false alarm 误报"], ["duplicate", "duplicate 重复"], ["planned work", "planned work 计划内"]] },
      { name: "detail", en: "detail", zh: "说明" },
    ],
    args: (v) => ({ reason: v.detail ? `${v.why}: ${v.detail}` : v.why }) },
  { command: "verdict", en: "Verdict", zh: "评定", states: ALL, hint: "It feeds each rule's false share; closing does not wait for it.",
    fields: () => [
      { name: "verdict", en: "the alarm was", zh: "告警性质", kind: "select", required: true, options: [["true", "true 属实"], ["false", "false 误报"], ["expected", "expected 预期内"]] },
      text("remark", "说明", false),
    ] },
  { command: "close_problem", en: "Close the problem", zh: "关闭问题", states: ALL, may: (c) => Boolean(c.order.problem) && c.problemOpen !== false, hint: "The problem record is closed for good, not this order.",
    fields: () => [text("root cause, one line", "根本原因"), { name: "measure", en: "measure, one line", zh: "措施", required: true }], args: (v, c) => ({ problem: c.order.problem, ...v }) },
  { command: "adopt", en: "Adopt as usual", zh: "确认新常态", states: OPEN, may: (c) => atLeast(c, LEAD),
    hint: "For an order about something unusual that is here to stay: the level of late is the norm from here on.", fields: () => [text("why it is here to stay", "原因")] },
  { command: "helped", en: "Helped", zh: "有帮助", states: ALL, may: () => false }, // beside each similar order
];

/** Commands that the state alone allows. */
export const legal = (state) => STEPS.filter((step) => step.states.includes(state)).map((step) => step.command);

/** The steps that are open now. */
export const steps = (c) => STEPS.filter((step) => step.states.includes(c.order.state) && (step.may?.(c) ?? true));

/** What only the log tells: who asked to cancel, to whom the order is handed over, since when its owner has it, verdict. */
export function asked(log) {
  const found = { cancel: "", reason: "", handed: "", since: null, verdict: "" };
  for (const entry of log) {
    if (entry.decision === "refused") continue;
    if (entry.event === "cancel") [found.cancel, found.reason] = [entry.actor, entry.why];
    if (entry.after === "closed" || entry.after === "cancelled") found.cancel = "";
    if (entry.decision === "offered") found.handed = entry.data.to ?? "";
    if (["take", "reassign", "accept_handover"].includes(entry.event)) found.handed = "";
    if ("owner" in entry.order_after) found.since = entry.at_ms;
    if (entry.event === "verdict") found.verdict = entry.data.verdict ?? "";
  }
  return found;
}

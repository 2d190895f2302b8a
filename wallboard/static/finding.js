// What people type in about a queue: a finding with its way of verification, a line of the floor log.

import { ask } from "./ask.js";
import { FINDING_KINDS, WAYS } from "./words.js";

/** What people may name: other systems send theirs by a hook. */
const BY_PEOPLE = ["figure", "probe", "signed"];
const WINDOWS = ["now", "5m", "15m", "30m", "day"];
const both = ([en, zh]) => `${en} ${zh}`;
/** A share is typed in percent, a time in seconds. */
const SCALE = { ratio: [0.01, "%"], ms: [1000, "s"] };

const queueField = (queues, queue) => ({
  name: "queue", en: "queue", zh: "队列", kind: "select", required: true, value: queue, options: [["", "choose …"], ...queues.map((q) => [q, q])],
});

/** Cause, place and proof of a finding; the arguments of `report` with its queue, or null. */
export async function askFinding({ queues, queue, metrics, people, me }) {
  const figures = [...metrics.values()].filter((m) => m.better !== "neither" && m.windows.some((w) => WINDOWS.includes(w)));
  const isFigure = (values) => values.verify === "figure";
  const values = await ask({
    title: "Report a finding", zh: "上报异动", send: "Report",
    hint: "It joins the open order of its queue, or opens one. Only its own way of verification proves it over.",
    fields: [
      queueField(queues, queue),
      { name: "kind", en: "what it is", zh: "类别", kind: "select", required: true, options: Object.entries(FINDING_KINDS).filter(([id]) => id !== "external").map(([id, words]) => [id, both(words)]) },
      { name: "text", en: "what was found, one line", zh: "情况", required: true },
      { name: "severity", en: "severity", zh: "级别", kind: "select", required: true, value: "3", options: [["1", "1 nobody gets through"], ["2", "2 callers are harmed now"], ["3", "3 below a limit"]] },
      { name: "verify", en: "is over when proven by", zh: "验证方式", kind: "select", required: true, value: "signed", options: BY_PEOPLE.map((way) => [way, both(WAYS[way])]) },
      { name: "person", en: "who signs the check", zh: "核查人", kind: "select", required: true, when: (v) => v.verify === "signed",
        options: [["", "choose …"], ...people.filter((p) => p.id !== me).map((p) => [p.id, p.name])] },
      { name: "metric", en: "figure", zh: "指标", kind: "select", required: true, when: isFigure, options: figures.map((m) => [m.id, `${m.en} ${m.zh}`]) },
      { name: "window", en: "over", zh: "窗口", kind: "select", required: true, when: isFigure,
        options: (v) => (metrics.get(v.metric)?.windows ?? []).filter((w) => WINDOWS.includes(w)).map((w) => [w, w]) },
      { name: "limit", en: "must reach (shares in %, times in seconds)", zh: "达到", kind: "number", step: "any", required: true, when: isFigure },
    ],
  });
  if (values === null) return null;
  const { queue: place, ...args } = values;
  if (args.limit !== undefined) args.limit *= SCALE[metrics.get(args.metric)?.unit]?.[0] ?? 1;
  return { queue: place, args: { ...args, severity: Number(args.severity) } };
}

/** A line of the floor log: `{queue, text}`, or null. */
export function askNote({ queues, queue }) {
  return ask({
    title: "Floor note", zh: "值班备注", send: "Write",
    hint: "It is marked on the queue's trend and stands on the sheet of the shift. No order is touched.",
    fields: [queueField(queues, queue), { name: "text", en: "note, one line", zh: "备注", required: true }],
  });
}

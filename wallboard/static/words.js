// The words of the page, English with Chinese beside, and how numbers are written.

export const QUEUE_STATES = {
  ok: ["OK", "正常"],
  warn: ["below target", "低于目标"],
  breach: ["breach", "越限"],
  closed: ["closed", "非营业"],
  no_calls: ["no calls", "无来电"],
  no_agents: ["no agents", "无坐席"],
  no_data: ["no data", "无数据"],
};

export const ORDER_STATES = {
  detected: ["detected", "已发现"],
  dispatched: ["dispatched", "已派单"],
  acknowledged: ["acknowledged", "已受理"],
  analysing: ["analysing", "分析中"],
  verifying: ["verifying", "验证中"],
  closed: ["closed", "已关闭"],
  on_hold: ["on hold", "已挂起"],
  accepted: ["accepted", "已接受"],
  cancelled: ["cancelled", "已取消"],
};

export const SEVERITIES = {
  1: "nobody gets through",
  2: "callers are harmed now",
  3: "below a limit",
  4: "trend",
};

export const TIERS = [["liaison", "联络员"], ["shift lead", "班长"], ["team leader", "组长"], ["supervisor", "主管"], ["manager", "经理"]];

export const FINDING_KINDS = {
  on_site: ["on-site check", "现场核查"],
  complaint: ["complaint", "客户投诉"],
  test_call: ["test call", "拨测"],
  external: ["external alert", "外部告警"],
};

/** How a finding is proven over. */
export const WAYS = {
  figure: ["a figure", "指标"],
  probe: ["a test call", "拨测"],
  signed: ["a signed check", "签字核查"],
  sender: ["the sender's word", "来源通知"],
};

export const FINDING_STATES = { open: ["open", "未消除"], passed: ["over", "已消除"], failed: ["still there", "仍存在"] };

/** What became of an order on the sheet of a shift. */
export const HANDOVER_STATES = {
  offered: ["to be accepted", "待接班"],
  stays: ["stays with its owner", "责任人不变"],
  accepted: ["accepted", "已接班"],
  late: ["not accepted in time", "未按时接班"],
};

/** Who waits now, in English and Chinese: "12 waiting, 5 beyond 20 s, 4 more within 20 s". */
export function waitingText({ figures, threshold_ms: threshold }) {
  const [waiting, past, soon] = ["waiting", "waiting_past_threshold", "waiting_soon"].map((name) => figures[`${name}@now`] ?? 0);
  if (!waiting) return ["nobody waiting", "无人排队"];
  const seconds = threshold / 1000;
  return [
    `${waiting} waiting, ${past} beyond ${seconds} s${soon ? `, ${soon} more within 20 s` : ""}`,
    `排队${waiting}个,其中${past}个已超过${seconds}秒${soon ? `,20秒内还将有${soon}个超过` : ""}`,
  ];
}

// One shape for each state, so that nothing hangs on colour alone (24 x 24).
export const SHAPES = {
  ok: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z",
  warn: "M12 2.5L22.5 21H1.5z",
  breach: "M12 1L23 12L12 23L1 12z",
  closed: "M3 9h18v6H3z",
  no_calls: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zm0 3.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z",
  no_agents: "M5 2.5L12 9.5L19 2.5L21.5 5L14.5 12L21.5 19L19 21.5L12 14.5L5 21.5L2.5 19L9.5 12L2.5 5z",
  no_data: "M3 3h7v7H3zM14 3h7v7h-7zM3 14h7v7H3zM14 14h7v7h-7z",
  stale: "M4 2h16v3l-6 7l6 7v3H4v-3l6-7l-6-7z",
};

export const DASH = "–";

const known = (value) => typeof value === "number" && Number.isFinite(value);

export const count = (value) => (known(value) ? String(Math.round(value)) : DASH);

export const percent = (ratio) => (known(ratio) ? (ratio * 100).toFixed(ratio >= 0.99995 ? 0 : 1) : DASH);

/** Milliseconds as m:ss, or h:mm:ss from an hour on. */
export function span(ms) {
  if (!known(ms)) return DASH;
  const total = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A figure by the unit of its metric, for sentences. */
export function figure(unit, value) {
  if (!known(value)) return DASH;
  if (unit === "ratio") return `${percent(value)} %`;
  if (unit === "ms") return span(value);
  return count(value);
}

/** Shell wildcards as in the settings: * and ?. */
export function matches(pattern, name) {
  const literal = (text) => text.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  return new RegExp(`^${literal(pattern)}$`, "s").test(name);
}

export const PLANNED_KINDS = {
  maintenance: ["maintenance", "系统维护"],
  closure: ["closure", "停业"],
  drill: ["drill", "应急演练"],
  campaign: ["campaign", "营销活动"],
};

/** A problem record in a line; `name` puts a person id into words. */
export function problemText(problem, name) {
  const parts = [`${problem.id}: comes back at ${problem.half_hour} (${problem.zone}), ${problem.orders.length} orders opened it`];
  if (problem.joined) parts.push(`${problem.joined} came since`);
  if (problem.owner) parts.push(`owner ${name(problem.owner)}`);
  if (problem.state === "closed") parts.push(`closed by ${name(problem.closed_by)}: ${problem.cause}: ${problem.measure}`);
  return parts.join(", ");
}

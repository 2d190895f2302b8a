// What became of a command. The broker's word is only that it lies in the log; the decision carries its place there.

import { get } from "./feed.js";

/** When to look again, in ms after the last look: half a minute in all, then the log of the order tells. */
const LOOKS = [120, 200, 300, 500, 800, 1200, 1600, 2400, 3000, 4000, 6000, 10000];
const REFUSALS = 40;

const refusals = []; // those without an order: partition, offset, text

const pause = (ms) => new Promise((go) => setTimeout(go, ms));
const at = (pos, sent) => pos[0] === sent.partition && pos[1] === sent.offset;

/** An alert of a refusal, which may be of a command that no order could log. */
export function heardRefusal(alert) {
  refusals.push(alert);
  refusals.splice(0, refusals.length - REFUSALS);
}

/**
 * The decision on what was `sent` (partition and offset): `{refused, text}`, null when there is none yet. `order` is the id
 * of its order, or a function that finds it once there is one.
 */
export async function decisionOf(order, sent) {
  for (const wait of LOOKS) {
    await pause(wait);
    const alert = refusals.find((a) => at(a.pos, sent));
    if (alert) return { refused: true, text: alert.text || alert.title };
    const id = typeof order === "function" ? order(sent) : order;
    if (!id) continue;
    const found = await get(`/api/orders/${encodeURIComponent(id)}`).catch(() => null);
    const entry = found?.log.find((e) => at(e.pos, sent));
    if (entry) return { refused: entry.decision === "refused", text: entry.why, decision: entry.decision, order: id };
  }
  return null;
}

// The one connection to the server: SSE with resume by the browser, and plain requests.

export async function get(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** POST `body`; gives what was sent, throws the server's reason when it does not even take it. */
export async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const told = await answer.json().catch(() => ({}));
  if (answer.status !== 202) throw new Error(typeof told.detail === "string" ? told.detail : `not taken (${answer.status})`);
  return told;
}

/** Ask for something to be done with an order: `{partition, offset}` of the command in the log. */
export const send = (order, command, actor, args = {}) => post(`/api/orders/${encodeURIComponent(order)}/commands`, { command, actor, args });

const AGAIN_MS = 3000;

/** Follow /events with these figures of each row. `on` has a function for each event name, and `link(state)`. */
export function follow(figures, on) {
  const source = new EventSource(`/events?${new URLSearchParams({ figures: figures.join(",") })}`);
  for (const name of ["reset", "queue", "order", "alert"]) {
    source.addEventListener(name, (event) => on[name](JSON.parse(event.data)));
  }
  source.onopen = () => on.link("live");
  source.onerror = () => {
    on.link("reconnecting");
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again, with Last-Event-ID
    source.close();
    setTimeout(() => {
      get("/api/people").catch(() => undefined);
      follow(figures, on);
    }, AGAIN_MS);
  };
}

// Times as the wall writes them: on the clock of its site, and of a stream that may be of another year.

let zone = "UTC";
let formats = null;

/** The one zone of all sites; without one it is UTC. */
export function setZone(name) {
  zone = name;
  formats = null;
}

export const zoneName = () => zone;

/** `part` is "time", "date", or "day" for a date that is short. */
export function clockText(ms, part = "time") {
  formats ??= {
    time: new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    minute: new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }),
    date: new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", year: "numeric", month: "short", day: "numeric" }),
    day: new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", month: "short", day: "numeric" }),
  };
  return formats[part].format(ms);
}

/** Hours and minutes, with the day when it is another one than that of `at` (stream ms, null: unknown). */
export function moment(ms, at) {
  if (ms === null || ms === undefined) return "–";
  const day = clockText(ms, "day");
  return at !== null && clockText(at, "day") === day ? clockText(ms, "minute") : `${day} ${clockText(ms, "minute")}`;
}

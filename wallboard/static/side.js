// The panel beside the tiles: orders, the sheets of a shift's end, records; and whether it is there at all.

import { byId, setAttribute, setHidden, setText } from "./dom.js";
import { get } from "./feed.js";
import { Sheets, current, isLate, waiting } from "./handover.js";
import { Records } from "./records.js";

/** Sheets and records are read again when something of them changed, after so long, screens not all at once ... */
const AGAIN_MS = [1000, 2000];
/** ... and now and then, for a shift that ends: nothing tells of a sheet without orders. */
const LOOK_MS = 60000;
const SAID_MS = 20000;
const ANEW_MS = 2000;
/** What is read, and the parts of an alert that change it. */
const READ = {
  handover: ["sheet", "watch", "floor", "planned", "emergency", "suppressed"],
  floor: ["floor"],
  trends: ["note"],
  problems: ["problem"],
};
const ALL = Object.keys(READ);
const TABS = ["orders", "handover", "records"];
/** The address of a wall without a person before it. */
const TILES_ONLY = "#tiles";

export class Side {
  constructor(page) {
    this.page = page;
    this.sheets = new Sheets(byId("sheets"), page);
    this.records = new Records(byId("records"), page);
    this.found = [];
    this.shownAt = 0;
    this.timer = 0;
    this.changed = new Set(); // names of `READ`
    this.saidUntil = 0;
    for (const tab of TABS) byId(`tab-${tab}`).addEventListener("click", () => this.turnTo(tab));
    byId("write-finding").addEventListener("click", () => page.report());
    byId("write-note").addEventListener("click", () => page.note());
    byId("panel-switch").addEventListener("click", () => this.showPanel(!this.shown));
    this.showPanel(location.hash !== TILES_ONLY && localStorage.getItem("panel") !== "off", false);
    setInterval(() => this.load(), LOOK_MS);
  }

  showPanel(shown, kept = true) {
    this.shown = shown;
    setAttribute(document.body, "data-panel", shown ? "on" : "off");
    setAttribute(byId("panel-switch"), "aria-expanded", String(shown));
    if (kept) localStorage.setItem("panel", shown ? "on" : "off");
    if (shown && kept) this.load();
  }

  turnTo(tab) {
    for (const name of TABS) {
      setHidden(byId(`part-${name}`), name !== tab);
      setAttribute(byId(`tab-${name}`), "aria-pressed", String(name === tab));
    }
    this.tab = tab;
  }

  /** An alert came: of a sheet, of figures around a change, a note, a problem. */
  alertCame(alert) {
    this.soon(ALL.filter((name) => READ[name].some((part) => alert[part])));
  }

  /** Sheets show orders as they stand now. */
  orderChanged() {
    if (this.sheets.sheets.length) this.soon(["handover"]);
  }

  soon(names) {
    for (const name of names) this.changed.add(name);
    const [from, to] = AGAIN_MS;
    if (this.changed.size) this.timer ||= setTimeout(() => this.load([...this.changed]), from + Math.random() * (to - from));
  }

  async load(names = ALL) {
    clearTimeout(this.timer);
    this.timer = 0;
    this.changed.clear();
    if (!this.shown) return;
    const found = Object.assign({}, ...await Promise.all(names.map((name) => get(`/api/${name}`).catch(() => ({})))));
    this.records.show(found);
    if (found.sheets) this.found = found.sheets;
    this.showSheets();
  }

  /** Those of what was found that are of now: it depends on the time, which may be unknown at first. */
  showSheets() {
    this.shownAt = performance.now();
    const at = this.page.at();
    const sheets = current(this.found, at);
    this.sheets.show(sheets);
    setHidden(byId("tab-handover"), sheets.length === 0);
    const count = sheets.reduce((sum, sheet) => sum + waiting(sheet).length, 0);
    setText(byId("handover-count"), count ? String(count) : "");
    setAttribute(byId("tab-handover"), "data-late", String(sheets.some((sheet) => isLate(sheet, at))));
    if (!sheets.length && this.tab === "handover") this.turnTo("orders");
  }

  say(kind, text) {
    setText(byId("side-said"), text);
    setAttribute(byId("side-said"), "data-kind", kind);
    this.saidUntil = performance.now() + SAID_MS;
  }

  tick(at) {
    if (this.found.length && performance.now() - this.shownAt > ANEW_MS) this.showSheets();
    this.sheets.tick(at);
    if (this.saidUntil && performance.now() > this.saidUntil) {
      setText(byId("side-said"), "");
      this.saidUntil = 0;
    }
  }
}

// The panel beside the tiles: orders, the sheets of a shift's end, records; and whether it is there at all.

import { byId, setAttribute, setHidden, setText } from "./dom.js";
import { get } from "./feed.js";
import { Sheets, current, isLate, waiting } from "./handover.js";
import { Records } from "./records.js";

/** Sheets and records are read again when something of them changed, at most so often ... */
const AGAIN_MS = 1500;
/** ... and now and then, for a shift that ends: nothing tells of a sheet without orders. */
const LOOK_MS = 60000;
const SAID_MS = 20000;
const TABS = ["orders", "handover", "records"];
/** The address of a wall without a person before it. */
const TILES_ONLY = "#tiles";

export class Side {
  constructor(page) {
    this.page = page;
    this.sheets = new Sheets(byId("sheets"), page);
    this.records = new Records(byId("records"), page);
    this.timer = 0;
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
    if (alert.sheet || alert.watch || alert.floor || alert.note || alert.problem || alert.planned || alert.emergency) this.soon();
  }

  /** Sheets show orders as they stand now. */
  orderChanged() {
    if (this.sheets.sheets.length) this.soon();
  }

  soon() {
    this.timer ||= setTimeout(() => this.load(), AGAIN_MS);
  }

  async load() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.shown) return;
    const names = ["handover", "floor", "trends", "problems"];
    const [handover, ...lists] = await Promise.all(names.map((name) => get(`/api/${name}`).catch(() => null)));
    this.records.show(Object.assign({}, ...lists.filter(Boolean)));
    if (handover) this.showSheets(handover.sheets);
  }

  showSheets(found) {
    const at = this.page.at();
    const sheets = current(found, at);
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
    this.sheets.tick(at);
    if (this.saidUntil && performance.now() > this.saidUntil) {
      setText(byId("side-said"), "");
      this.saidUntil = 0;
    }
  }
}

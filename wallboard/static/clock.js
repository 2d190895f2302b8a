// Stream time: the latest clock that the figures carry, carried on at the speed at which it was seen to run.

/** Beyond its last sample the clock runs on for this long (wall ms): a dead stream must not pretend to live. */
const RUN_ON_MS = 3000;
const MEASURE_MS = 1500;

export class StreamClock {
  constructor() {
    this.forget();
  }

  forget() {
    this.at = null; // the latest sample: stream ms, and when it came
    this.came = 0;
    this.rate = 1;
    this.first = null; // a sample some while ago, to measure the rate
    this.shown = 0;
  }

  /** A row says that it is `atMs` in the stream; it came at `now` (performance.now) after `ageMs`. */
  sample(atMs, now, ageMs) {
    if (this.at !== null && atMs <= this.at) return;
    this.at = atMs;
    this.came = now - Math.min(ageMs, RUN_ON_MS);
    if (this.first === null) this.first = [atMs, this.came];
    const took = this.came - this.first[1];
    if (took >= MEASURE_MS) {
      const rate = (atMs - this.first[0]) / took;
      // live streams are told from replays: near to 1 it is 1
      this.rate = Math.abs(rate - 1) < 0.25 ? 1 : rate;
      this.first = [atMs, this.came];
    }
  }

  /** Stream ms at `now`, never running backwards; null before the first sample. */
  now(now) {
    if (this.at === null) return null;
    const ahead = Math.min(Math.max(0, now - this.came), RUN_ON_MS) * this.rate;
    this.shown = Math.max(this.shown, this.at + ahead);
    // far ahead of the samples means that the stream slowed down: come back
    if (this.shown - this.at > RUN_ON_MS * Math.max(1, this.rate) * 2) this.shown = this.at;
    return this.shown;
  }

  get speed() {
    return this.rate;
  }
}

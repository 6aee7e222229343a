// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/** The last values of something measured, and what stands between them. */
export class Meter {
  constructor(limit = 120) {
    this.limit = limit;
    this.values = [];
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > this.limit) this.values.shift();
  }

  /** 0 to 1; 0 where nothing was measured. */
  quantile(share) {
    if (this.values.length === 0) return 0;
    const sorted = [...this.values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  }
}

/** What is drawn over the picture. */
export class Readout {
  constructor(element) {
    this.element = element;
    this.shown = [];
    this.latency = new Meter();
    this.keyLatency = new Meter();
    this.draw = new Meter();
    this.stages = Object.fromEntries(
      ["send", "queue", "convert", "render", "encode", "back"].map((name) => [name, new Meter()]));
    this.last = null;
    this.dropped = 0;
    this.nextText = 0;
  }

  /** @param times of the page, milliseconds: posed, drawn, shown; input 0 where there was none. */
  add(picture, times) {
    this.shown.push(times.shown);
    while (this.shown[0] < times.shown - 2000) this.shown.shift();
    this.latency.add(times.shown - times.posed);
    if (times.input) this.keyLatency.add(times.shown - times.input);
    this.draw.add(times.drawn - times.posed);
    for (const name of ["queue", "convert", "render", "encode"]) this.stages[name].add(picture[name]);
    // The clocks differ: what is not the daemon's is shared out by what each side can see.
    this.stages.send.add(picture.read);
    this.stages.back.add(times.shown - times.drawn - picture.age - picture.read);
    this.dropped += picture.droppedCount;
    this.last = picture;
    if (times.shown > this.nextText) {
      this.nextText = times.shown + 250;
      this.write();
    }
  }

  get framesPerSecond() {
    const span = this.shown.at(-1) - this.shown[0];
    return span > 0 ? (this.shown.length - 1) * 1000 / span : 0;
  }

  write() {
    const number = (value) => value.toFixed(value < 9.95 ? 1 : 0);
    const stage = (name) => `${name} ${number(this.stages[name].quantile(0.5))}`;
    const p = this.last;
    this.element.textContent =
      `${number(this.framesPerSecond)} fps   pose to picture ${number(this.latency.quantile(0.5))} ms`
      + ` (p99 ${number(this.latency.quantile(0.99))})\n`
      + `draw ${number(this.draw.quantile(0.5))}  ${Object.keys(this.stages).map(stage).join("  ")}\n`
      + `${p.historyFrame === null ? "no history" : "history"}   load ${Math.round(p.load * 100)} %`
      + `   rendered ${Math.round(p.computedShare * 100)} %   dropped ${this.dropped}`;
  }
}

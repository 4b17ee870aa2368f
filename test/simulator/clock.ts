/**
 * Virtual time: what is to happen when. Things of the same moment happen in the order in which they
 * were asked for.
 */

export interface Timer {
  cancelled: boolean;
}

interface Entry extends Timer {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class Clock {
  /** ms since 1970. */
  nowMs = 1_000_000_000_000;
  #heap: Entry[] = [];
  #order = 0;

  after(delayMs: number, action: () => void): Timer {
    return this.at(this.nowMs + delayMs, action);
  }

  /** A time in the past counts as now. */
  at(atMs: number, action: () => void): Timer {
    const due = Math.max(Math.ceil(atMs), this.nowMs);
    const entry: Entry = { atMs: due, order: this.#order++, action, cancelled: false };
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent] as Entry;
      if (isBefore(other, entry)) break;
      heap[at] = other;
      heap[parent] = entry;
      at = parent;
    }
    return entry;
  }

  /** Lets everything happen that is due until then. Stops early when `until` says so. */
  runUntil(endMs: number, until: () => boolean = () => false): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.atMs > endMs) break;
      this.#pop();
      if (first.cancelled) continue;
      this.nowMs = first.atMs;
      first.action();
      if (until()) return;
    }
    this.nowMs = endMs;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const child = right !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
      const smaller = heap[child] as Entry;
      if (isBefore(last, smaller)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

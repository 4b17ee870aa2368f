interface Timer<K> {
  readonly dueMs: number;
  readonly order: number;
  readonly key: K;
}

/**
 * A priority queue of keys by due time, with change and removal by key.
 *
 * Keys due at the same time leave in the order of their first insertion, so that two runs over the
 * same history agree. All operations are O(log n) but `delete` and a changed due time, which leave
 * a stale heap entry behind that is skipped later; the heap is rebuilt when stale entries outnumber
 * live ones.
 */
export class TimerQueue<K> {
  #heap: Timer<K>[] = [];
  /** Of each key the entry of the heap that counts. */
  #live = new Map<K, Timer<K>>();
  #order = 0;

  get size(): number {
    return this.#live.size;
  }

  set(key: K, dueMs: number): void {
    const known = this.#live.get(key);
    if (known?.dueMs === dueMs) return;
    const timer = { dueMs, order: known?.order ?? this.#order++, key };
    this.#live.set(key, timer);
    this.#push(timer);
    this.#dropMany();
  }

  delete(key: K): void {
    if (this.#live.delete(key)) this.#dropMany();
  }

  /** When the next key is due, in ms; undefined when there is none. */
  nextDueMs(): number | undefined {
    this.#dropStale();
    return this.#heap[0]?.dueMs;
  }

  /** Takes out the first key that is due at `nowMs`; undefined when none is. */
  takeDue(nowMs: number): K | undefined {
    this.#dropStale();
    const first = this.#heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    this.#pop();
    this.#live.delete(first.key);
    return first.key;
  }

  #dropStale(): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#live.get(first.key) === first) return;
      this.#pop();
    }
  }

  #dropMany(): void {
    if (this.#heap.length <= 64 || this.#heap.length <= 2 * this.#live.size) return;
    this.#heap = [...this.#live.values()].sort(compare);
  }

  #push(entry: Timer<K>): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (compare(heap[parent] as Timer<K>, entry) <= 0) break;
      heap[at] = heap[parent] as Timer<K>;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && compare(right, left) < 0) child++;
      const smaller = heap[child] as typeof last;
      if (compare(last, smaller) <= 0) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}

function compare<K>(a: Timer<K>, b: Timer<K>): number {
  return a.dueMs - b.dueMs || a.order - b.order;
}

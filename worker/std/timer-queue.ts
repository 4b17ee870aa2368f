/**
 * A priority queue of keys by due time, with change and removal by key.
 *
 * Keys due at the same time leave in the order of their first insertion, so that two runs over the
 * same history agree. All operations are O(log n) but `delete` and a changed due time, which leave
 * a stale heap entry behind that is skipped later; the heap is rebuilt when stale entries outnumber
 * live ones.
 */
export class TimerQueue<K> {
  #heap: { dueMs: number; order: number; key: K }[] = [];
  #live = new Map<K, { dueMs: number; order: number }>();
  #order = 0;

  get size(): number {
    return this.#live.size;
  }

  set(key: K, dueMs: number): void {
    if (this.#live.get(key)?.dueMs === dueMs) return;
    const order = this.#live.get(key)?.order ?? this.#order++;
    this.#live.set(key, { dueMs, order });
    this.#push({ dueMs, order, key });
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#live.size) this.#rebuild();
  }

  delete(key: K): void {
    this.#live.delete(key);
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
      const live = this.#live.get(first.key);
      if (live !== undefined && live.dueMs === first.dueMs && live.order === first.order) return;
      this.#pop();
    }
  }

  #rebuild(): void {
    const entries = [...this.#live].map(([key, { dueMs, order }]) => ({ key, dueMs, order }));
    this.#heap = entries.sort(compare);
  }

  #push(entry: { dueMs: number; order: number; key: K }): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (compare(heap[parent] as typeof entry, entry) <= 0) break;
      heap[at] = heap[parent] as typeof entry;
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

function compare(
  a: { readonly dueMs: number; readonly order: number },
  b: { readonly dueMs: number; readonly order: number },
): number {
  return a.dueMs - b.dueMs || a.order - b.order;
}

/**
 * Arithmetic on ranges of integers in normal form: sorted, disjoint, not adjacent, both ends
 * included.
 */

export type Range = readonly [begin: number, end: number];
export type Ranges = readonly Range[];

/** Any ranges (begin ≤ end) → normal form. */
export function normalizeRanges(ranges: Ranges): Ranges {
  if (ranges.length < 2) return ranges;
  const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [begin, end] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && begin <= last[1] + 1) last[1] = Math.max(last[1], end);
    else merged.push([begin, end]);
  }
  return merged;
}

export function addRanges(a: Ranges, b: Ranges): Ranges {
  return normalizeRanges([...a, ...b]);
}

/** What of `a` is not in `b`. */
export function subtractRanges(a: Ranges, b: Ranges): Ranges {
  const left: Range[] = [];
  let at = 0;
  for (const [begin, end] of a) {
    let from = begin;
    while (at < b.length && (b[at] as Range)[1] < from) at++;
    for (let next = at; next < b.length && (b[next] as Range)[0] <= end; next++) {
      const [cutBegin, cutEnd] = b[next] as Range;
      if (cutBegin > from) left.push([from, cutBegin - 1]);
      from = cutEnd + 1;
    }
    if (from <= end) left.push([from, end]);
  }
  return left;
}

/** Whether all of `b` is in `a`. */
export function containsRanges(a: Ranges, b: Ranges): boolean {
  let at = 0;
  for (const [begin, end] of b) {
    while (at < a.length && (a[at] as Range)[1] < end) at++;
    const candidate = a[at];
    if (candidate === undefined || candidate[0] > begin) return false;
  }
  return true;
}

/** "[31000-32000, 40000-40010]" */
export function formatRanges(ranges: Ranges): string {
  return `[${ranges.map(([begin, end]) => `${begin}-${end}`).join(", ")}]`;
}

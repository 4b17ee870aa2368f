/**
 * A figure: what is measured, in which unit, and the budget it has to keep. One run gives many
 * samples; the median counts, because the machine is shared.
 */
export interface Figure {
  readonly name: string;
  readonly unit: "ms" | "tasks/s" | "calls/s" | "MB" | "rows" | "processes" | "us" | "times" | "%";
  readonly budget: { readonly atMost: number } | { readonly atLeast: number } | undefined;
  /** For scale: a real Mesos 1.12 on such a machine. */
  readonly mesos?: string;
}

export interface Measured {
  readonly figure: Figure;
  readonly samples: readonly number[];
  /** What was measured at which size, for a program that sets it beside another one's. */
  readonly workload?: {
    readonly name: string;
    readonly agents: number;
    readonly frameworks: number;
  };
  /** What else was seen, by name. */
  readonly facts?: Readonly<Record<string, number>>;
}

/** Measures one or more figures; starts and ends what it needs. */
export interface Benchmark {
  readonly name: string;
  measure(): Promise<readonly Measured[]>;
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function keepsBudget({ figure, samples }: Measured): boolean {
  const { budget } = figure;
  if (budget === undefined) return true;
  const value = median(samples);
  return "atMost" in budget ? value <= budget.atMost : value >= budget.atLeast;
}

export function budgetText({ budget }: Figure): string {
  if (budget === undefined) return "";
  return "atMost" in budget ? `≤ ${budget.atMost}` : `≥ ${budget.atLeast}`;
}

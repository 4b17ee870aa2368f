/** What `why` and `what-if` cost: the turn of a trial, and all the slices of an answer. */
import { ownCalls } from "../../worker/core/operator/own/index.ts";
import type { MasterState } from "../../worker/core/state.ts";
import type * as own from "../../worker/protocol/own/operator.ts";
import { BenchCluster } from "./allocator-cluster.ts";
import type { Benchmark, Measured } from "./figure.ts";

const RUNS = 15;
/** A trial is made while nobody else is served. */
const TURN_MS = 10;

const trials: readonly { readonly what: string; readonly trial: own.WhatIf }[] = [
  { what: "a limit", trial: { quotas: [{ role: "web", limits: { cpus: 1_000 } }] } },
  {
    what: "5 agents and 20 tasks",
    trial: {
      agents: [{ like: "S0", count: 5 }],
      tasks: [{ resources: "cpus:1;mem:128", count: 20, role: "new" }],
    },
  },
];

export const why: Benchmark = {
  name: "why",
  measure: async () => {
    const small = offered(300, 20);
    const large = offered(5_000, 200);
    const question = { type: "WHY", why: { framework: "framework-0" } } as const;
    return [
      ...trials.map(({ what, trial }) => {
        const call = { type: "WHAT_IF", what_if: trial } as const;
        return measured(`what-if, ${what}: 300 agents × 20 frameworks`, TURN_MS, () =>
          ask(small, call),
        );
      }),
      measured("why framework, all slices: 300 agents × 20 frameworks", undefined, () =>
        ask(small, question),
      ),
      measured("why framework, all slices: 5,000 agents × 200 frameworks", undefined, () =>
        ask(large, question),
      ),
    ];
  },
};

/** Every agent is with somebody, in an offer. */
function offered(agents: number, frameworks: number): MasterState {
  const cluster = new BenchCluster({ agents, frameworks });
  cluster.wantOffers();
  cluster.cycle();
  return cluster.state;
}

function measured(name: string, atMost: number | undefined, run: () => void): Measured {
  const samples: number[] = [];
  // The first ones run code that is not compiled yet.
  for (let nth = -3; nth < RUNS; nth++) {
    const startMs = performance.now();
    run();
    if (nth >= 0) samples.push(performance.now() - startMs);
  }
  const budget = atMost === undefined ? undefined : { atMost };
  return { figure: { name, unit: "ms", budget }, samples };
}

function ask(state: MasterState, call: own.Call): void {
  const served = ownCalls[call.type];
  if (served.kind !== "READ") throw new Error(`${call.type} is a read`);
  const reading = served.read(state, 2_000, call);
  for (;;) {
    const { done, value } = reading.next();
    if (done !== true) continue;
    if (value.ok) return;
    throw new Error(value.error.code);
  }
}

import type * as own from "../../worker/protocol/own/operator.ts";
import { operatorOf } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";

const NOTHING = "no operator has changed anything yet";

/** What is listed of an entry, a line for each change. */
interface Line {
  readonly time: string;
  readonly who: string;
  readonly call: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

const columns: { readonly [head: string]: (line: Line) => string } = {
  TIME: ({ time }) => time,
  WHO: ({ who }) => who,
  CALL: ({ call }) => call,
  WHAT: ({ what }) => what,
  BEFORE: ({ before }) => before,
  AFTER: ({ after }) => after,
};

export const audit = defineCommand({
  name: "audit",
  summary: "List what operators have changed: when, who, and what was so before and after",
  description: `The newest first. A cluster remembers the last thousand calls that changed something: quotas,
weights, priorities, the policy, reservations and volumes, maintenance, agents that are drained or
gone, frameworks that are torn down.`,
  flags: {
    limit: {
      kind: "integer",
      placeholder: "N",
      help: "how many calls at most",
      minimum: 1,
      maximum: 1_000,
      fallback: 20,
    },
  },
  operands: { kind: "none" },
  examples: ["rimrock audit", "rimrock audit --limit 1000 --json"],
  run: async ({ limit }, context) => {
    const path = `/audit?limit=${limit}`;
    const { entries = [] } = await operatorOf(context).get({
      path,
      answer: "rimrock.operator.Audit",
    });
    const plain = entries.map(plainEntry);
    if (context.json) context.terminal.out(`${JSON.stringify(plain, null, 2)}\n`);
    else printListing({ items: plain.flatMap(lines), columns, empty: NOTHING }, context);
    return 0;
  },
});

/** Numbers and times as `--json` has them elsewhere. */
interface PlainEntry {
  readonly number: number;
  readonly time: string;
  readonly principal: string | null;
  readonly call: string;
  readonly changes: readonly own.AuditChange[];
  readonly changes_left_out: number;
}

function plainEntry(entry: own.AuditEntry): PlainEntry {
  return {
    number: Number(entry.number),
    time: new Date(entry.time * 1_000).toISOString(),
    principal: entry.principal ?? null,
    call: entry.call,
    changes: entry.changes ?? [],
    changes_left_out: entry.changes_left_out ?? 0,
  };
}

/** One for each change; what is the same as on the line above is left out. */
function lines({ time, principal, call, changes, changes_left_out }: PlainEntry): Line[] {
  const head = { time, who: principal ?? "-", call };
  const rest = { time: "", who: "", call: "" };
  const told = changes.map(({ subject, field, before = "-", after = "-" }) => {
    return { what: `${subject}: ${field}`, before, after };
  });
  if (told.length === 0) told.push({ what: "nothing", before: "", after: "" });
  if (changes_left_out > 0) {
    told.push({ what: `and ${changes_left_out} more`, before: "", after: "" });
  }
  return told.map((line, at) => ({ ...(at === 0 ? head : rest), ...line }));
}

import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { type Amounts, amountsText } from "./amounts-text.ts";
import { operatorOf } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";

export const quotaList = defineCommand({
  name: "quota list",
  summary: "List the roles that have a quota: what they are guaranteed and limited to",
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock quota list", "rimrock quota list --json"],
  run: async (_values, context) => {
    const { get_quota } = await operatorOf(context).ask({ type: "GET_QUOTA" });
    const configs = get_quota?.status.configs ?? [];
    printListing(
      {
        items: configs.map(({ role, guarantees, limits }) => ({
          role,
          guarantees: plainAmounts(guarantees),
          limits: plainAmounts(limits),
        })),
        columns: {
          ROLE: ({ role }) => role,
          GUARANTEES: ({ guarantees }) => amountsText(guarantees),
          LIMITS: ({ limits }) => amountsText(limits),
        },
        empty: "no role has a quota; give one with: rimrock quota set ROLE --limit cpus=4",
      },
      context,
    );
    return 0;
  },
});

function plainAmounts(amounts: Readonly<Record<string, mesos.ValueScalar>> = {}): Amounts {
  return Object.fromEntries(Object.entries(amounts).map(([kind, { value }]) => [kind, value]));
}

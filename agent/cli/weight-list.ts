import { operatorOf } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";

export const weightList = defineCommand({
  name: "weight list",
  summary: "List the roles that have a weight of their own",
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock weight list"],
  run: async (_values, context) => {
    const { get_weights } = await operatorOf(context).ask({ type: "GET_WEIGHTS" });
    const infos = get_weights?.weight_infos ?? [];
    printListing(
      {
        items: infos.map(({ role = "", weight }) => ({ role, weight })),
        columns: { ROLE: ({ role }) => role, WEIGHT: ({ weight }) => String(weight) },
        empty: "every role has the weight 1; change one with: rimrock weight set ROLE=WEIGHT",
      },
      context,
    );
    return 0;
  },
});

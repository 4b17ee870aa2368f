import type * as master from "../../worker/protocol/v1/master.ts";
import { operatorOf } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";
import { plainResources, scalarIn } from "./plain.ts";

export const roleList = defineCommand({
  name: "role list",
  summary: "List the roles, their weights and what they have",
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock role list", "rimrock role list --json"],
  run: async (_values, context) => {
    const { get_roles } = await operatorOf(context).ask({ type: "GET_ROLES" });
    printListing(
      {
        items: (get_roles?.roles ?? []).map(plainRole),
        columns: {
          ROLE: ({ name }) => name,
          WEIGHT: ({ weight }) => String(weight),
          FRAMEWORKS: ({ frameworks }) => String(frameworks.length),
          CPUS: ({ resources }) => String(scalarIn(resources, "cpus")),
          "MEM MB": ({ resources }) => String(scalarIn(resources, "mem")),
        },
        empty: "no role is used: a framework brings its roles along when it subscribes",
      },
      context,
    );
    return 0;
  },
});

type Roles = NonNullable<master.ResponseGetRoles["roles"]>;

/** What it has is allocated or offered to it. */
function plainRole({ name, weight, frameworks, resources }: Roles[number]) {
  return {
    name,
    weight,
    frameworks: (frameworks ?? []).map(({ value }) => value),
    resources: plainResources(resources),
  };
}

import type * as master from "../../worker/protocol/v1/master.ts";
import { amountsText } from "./amounts-text.ts";
import { operatorOf } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";
import { plainResources, scalarIn } from "./plain.ts";

export const roleList = defineCommand({
  name: "role list",
  summary: "List the roles: their weights, priorities, quotas and shares, and what they have",
  description: `A share is the largest part that the role and those below it have of any one resource, divided
by the role's weight: under the policy drf, the smallest share is offered resources first. --json
also tells allocated from offered, and what each framework has.`,
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
          PRIORITY: ({ priority }) => String(priority ?? 0),
          FRAMEWORKS: ({ frameworks }) => String(frameworks.length),
          SHARE: shareText,
          CPUS: ({ resources }) => String(scalarIn(resources, "cpus")),
          "MEM MB": ({ resources }) => String(scalarIn(resources, "mem")),
          GUARANTEED: ({ guarantees }) => amountsText(guarantees),
          LIMIT: ({ limits }) => amountsText(limits),
        },
        empty: "no role is used: a framework brings its roles along when it subscribes",
      },
      context,
    );
    return 0;
  },
});

type Roles = NonNullable<master.ResponseGetRoles["roles"]>;

/** What it has is allocated or offered to it. A Mesos master says nothing of the rest. */
function plainRole({ name, weight, frameworks, resources, rimrock }: Roles[number]) {
  const { frameworks: parts, share, dominant, priority } = rimrock ?? {};
  return {
    name,
    weight,
    frameworks: (frameworks ?? []).map(({ value }) => value),
    resources: plainResources(resources),
    ...(rimrock !== undefined && {
      priority,
      share,
      dominant: dominant ?? null,
      guarantees: rimrock.guarantees ?? {},
      limits: rimrock.limits ?? {},
      consumed: rimrock.consumed ?? {},
      allocated: rimrock.allocated ?? {},
      offered: rimrock.offered ?? {},
      reserved: rimrock.reserved ?? {},
      framework_shares: (parts ?? []).map((part) => ({
        framework_id: part.framework_id,
        share: part.share,
        dominant: part.dominant ?? null,
        allocated: part.allocated ?? {},
        offered: part.offered ?? {},
        offers: part.offers,
      })),
    }),
  };
}

type PlainRole = ReturnType<typeof plainRole>;

/** "37.5% of cpus" */
function shareText({ share, dominant }: PlainRole): string {
  if (share === undefined) return "-";
  const percent = `${Math.round(share * 1_000) / 10}%`;
  return dominant === undefined || dominant === null ? percent : `${percent} of ${dominant}`;
}

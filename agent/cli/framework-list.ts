import type * as master from "../../worker/protocol/v1/master.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";
import { plainResources, plainTime, scalarIn } from "./plain.ts";

export const frameworkList = defineCommand({
  name: "framework list",
  summary: "List the frameworks and what they use",
  flags: { all: { kind: "switch", help: "also completed frameworks" } },
  operands: { kind: "none" },
  examples: ["rimrock framework list", "rimrock framework list --all --json"],
  run: async ({ all }, context) => {
    const operator = new Operator({ master: context.master.url, transport: context.transport });
    const { get_frameworks: answer = {} } = await operator.ask({ type: "GET_FRAMEWORKS" });
    const alive = (answer.frameworks ?? []).map((it) => plainFramework(it, aliveState(it)));
    const completed = (answer.completed_frameworks ?? []).map((it) =>
      plainFramework(it, "COMPLETED"),
    );
    printListing(
      {
        items: all ? [...alive, ...completed] : alive,
        columns: {
          ID: ({ id }) => id,
          NAME: ({ name }) => name,
          STATE: ({ state }) => state,
          ROLES: ({ roles }) => roles.join(","),
          CPUS: ({ allocated }) => String(scalarIn(allocated, "cpus")),
          "MEM MB": ({ allocated }) => String(scalarIn(allocated, "mem")),
        },
        empty: all
          ? "no framework has subscribed: run a task with: rimrock run -- echo hello"
          : "no framework is subscribed (completed ones: --all)",
      },
      context,
    );
    return 0;
  },
});

function aliveState(framework: master.ResponseGetFrameworksFramework): string {
  if (framework.recovered) return "RECOVERED";
  if (!framework.connected) return "DISCONNECTED";
  return framework.active ? "ACTIVE" : "INACTIVE";
}

function plainFramework(framework: master.ResponseGetFrameworksFramework, state: string) {
  const { framework_info: info } = framework;
  return {
    id: info.id?.value ?? "",
    name: info.name,
    state,
    roles: info.roles ?? [info.role ?? "*"],
    user: info.user,
    principal: info.principal ?? null,
    failover_timeout: info.failover_timeout ?? 0,
    allocated: plainResources(framework.allocated_resources),
    offered: plainResources(framework.offered_resources),
    registered_at: plainTime(framework.registered_time),
  };
}

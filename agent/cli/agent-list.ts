import type * as master from "../../worker/protocol/v1/master.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";
import { attributeText, plainResources, plainTime, scalarIn } from "./plain.ts";

export const agentList = defineCommand({
  name: "agent list",
  summary: "List the agents, what they have and how much of it is used",
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock agent list", "rimrock agent list --json"],
  run: async (_values, context) => {
    const operator = new Operator({ master: context.master.url, transport: context.transport });
    const { url } = context.master;
    const { get_agents } = await operator.ask({ type: "GET_AGENTS" });
    printListing(
      {
        items: (get_agents?.agents ?? []).map(plainAgent),
        columns: {
          ID: ({ id }) => id,
          HOSTNAME: ({ hostname }) => hostname,
          STATE: ({ state }) => state,
          "CPUS (USED)": (agent) => usage(agent, "cpus"),
          "MEM MB (USED)": (agent) => usage(agent, "mem"),
          ATTRIBUTES: ({ attributes }) =>
            Object.entries(attributes)
              .map(([name, value]) => `${name}=${value}`)
              .join(" "),
        },
        empty: `no agent has joined ${url}: start one with: rimrock-agent --master ${url}`,
      },
      context,
    );
    return 0;
  },
});

type PlainAgent = ReturnType<typeof plainAgent>;

function plainAgent(agent: master.ResponseGetAgentsAgent) {
  const { agent_info: info, active, deactivated, drain_info, version } = agent;
  const attributes: Record<string, string> = {};
  for (const it of info.attributes ?? []) attributes[it.name] = attributeText(it);
  return {
    id: info.id?.value ?? "",
    hostname: info.hostname,
    state: drain_info?.state ?? (deactivated ? "DEACTIVATED" : active ? "ACTIVE" : "INACTIVE"),
    version,
    resources: plainResources(agent.total_resources ?? info.resources),
    allocated: plainResources(agent.allocated_resources),
    offered: plainResources(agent.offered_resources),
    attributes,
    registered_at: plainTime(agent.registered_time),
  };
}

function usage({ resources, allocated }: PlainAgent, name: string): string {
  return `${scalarIn(resources, name)} (${scalarIn(allocated, name)})`;
}

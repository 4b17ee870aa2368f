/** Words about executors, and what an agent brings from its own disk when it registers. */
import { getOperations } from "../../worker/core/operator/get-operations.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import { renderResources } from "../../worker/resources/render.ts";
import type { World } from "./world.ts";

interface Words {
  readonly args: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** exited AGENT F EXECUTOR [STATUS] : the agent reports that an executor has ended. */
export function exited(world: World, { args }: Words): string[] {
  const [agent = "", framework = "", executor = "", status = "0"] = args;
  const known = world.agents.get(agent);
  if (known === undefined) throw new Error(`the transcript has no agent ${agent}`);
  return world.relay(agent, {
    type: "REPORT",
    report: {
      agent_id: { value: known.id },
      session_id: known.sessionId,
      report_number: 1,
      executor_exits: [
        {
          framework_id: { value: world.frameworkId(framework) },
          executor_id: { value: executor },
          status: Number(status),
        },
      ],
    },
  });
}

/** operator-operations : GET_OPERATIONS, one line each. */
export function operatorOperations(world: World): string[] {
  const { get_operations: got } = getOperations(world.host.state);
  return (got?.operations ?? []).map(({ agent_id, framework_id, info, latest_status: status }) => {
    const owner = framework_id === undefined ? "an operator" : world.nameOf(framework_id.value);
    const id = info.id === undefined ? "" : ` ${info.id.value}`;
    return `${info.type}${id} of ${owner} on ${world.nameOf(agent_id?.value ?? "")}: ${status.state}`;
  });
}

/**
 * --executors=F/E,… : those alive. --checkpointed=JSON : the agent's total as it is on its disk, a
 * list of resource messages without blanks.
 */
export function registeredBooks(
  world: World,
  options: Words["options"],
): Pick<link.RegisterRequest, "executors" | "resources"> {
  const named = options.get("executors")?.split(",") ?? [];
  const executors = named.map((text) => {
    const [framework = "", executor = ""] = text.split("/");
    const framework_id = { value: world.frameworkId(framework) };
    const resources = [
      { name: "cpus", type: "SCALAR", scalar: { value: 0.1 } },
      { name: "mem", type: "SCALAR", scalar: { value: 32 } },
    ] as const;
    const executor_id = { value: executor };
    return { framework_id, executor: { type: "DEFAULT", executor_id, framework_id, resources } };
  }) satisfies link.RegisterRequest["executors"];
  const text = options.get("checkpointed");
  if (text === undefined) return { executors };
  const parsed = parseResources(JSON.parse(text));
  if (!parsed.ok) throw new Error(`resources in a transcript: ${JSON.stringify(parsed.error)}`);
  return { executors, resources: renderResources(parsed.value, { refinedReservations: true }) };
}

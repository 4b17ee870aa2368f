import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";
import { plainResources, scalarIn } from "./plain.ts";

export const taskList = defineCommand({
  name: "task list",
  summary: "List the tasks and their states",
  description: `Shows the tasks that are alive, those on unreachable agents included; with --all also
the completed ones that the master still remembers.`,
  flags: {
    all: { kind: "switch", help: "also completed tasks" },
    framework: { kind: "text", placeholder: "ID", help: "only tasks of this framework" },
  },
  operands: { kind: "none" },
  examples: ["rimrock task list", "rimrock task list --all --json"],
  run: async ({ all, framework }, context) => {
    const operator = new Operator({ master: context.master.url, transport: context.transport });
    const { get_tasks: answer = {} } = await operator.ask({ type: "GET_TASKS" });
    const tasks = [
      ...(answer.pending_tasks ?? []),
      ...(answer.tasks ?? []),
      ...(answer.unreachable_tasks ?? []),
      ...(all ? (answer.completed_tasks ?? []) : []),
    ];
    printListing(
      {
        items: tasks
          .filter((task) => framework === undefined || task.framework_id.value === framework)
          .map(plainTask),
        columns: {
          ID: ({ id }) => id,
          NAME: ({ name }) => name,
          STATE: ({ state }) => state,
          CPUS: ({ resources }) => String(scalarIn(resources, "cpus")),
          "MEM MB": ({ resources }) => String(scalarIn(resources, "mem")),
          AGENT: ({ agent_id }) => agent_id,
          FRAMEWORK: ({ framework_id }) => framework_id,
        },
        empty: all
          ? "no tasks: run one with: rimrock run -- echo hello"
          : "no tasks are alive (completed ones: --all)",
      },
      context,
    );
    return 0;
  },
});

function plainTask(task: mesos.Task) {
  const last = task.statuses?.at(-1);
  return {
    id: task.task_id.value,
    name: task.name,
    state: task.state,
    framework_id: task.framework_id.value,
    agent_id: task.agent_id.value,
    executor_id: task.executor_id?.value ?? "",
    resources: plainResources(task.resources),
    reason: last?.reason ?? null,
    message: last?.message ?? null,
  };
}

/** What the fuzzer found, one test each, so that it stays fixed whatever the seeds are. */
import { expect, test } from "vitest";
import type { StreamId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { MasterHost } from "../support/master-host.ts";

const cpus: mesos.Resource = { name: "cpus", type: "SCALAR", scalar: { value: 4 } };

function registration(facts: Partial<link.RegisterRequest> = {}): link.RegisterRequest {
  return {
    protocol_version: 1,
    session_id: "session",
    agent_info: { hostname: "host", resources: [cpus] },
    ip: "10.0.0.1",
    version: "1.11.0",
    capabilities: [{ type: "MULTI_ROLE" }, { type: "RESERVATION_REFINEMENT" }],
    ...facts,
  };
}

function agentTask(run_number: bigint, task: Partial<mesos.Task> = {}): link.AgentTask {
  return {
    run_number,
    task: {
      name: "task",
      task_id: { value: "t1" },
      framework_id: { value: "framework" },
      agent_id: { value: "agent" },
      state: "TASK_RUNNING",
      ...task,
    },
  };
}

const reserved: mesos.Resource = { ...cpus, reservations: [{ type: "DYNAMIC", role: "web" }] };

const refused: Readonly<Record<string, Partial<link.RegisterRequest>>> = {
  "tasks.run_number": { tasks: [agentTask(2n ** 64n - 1n)] },
  "tasks.task.name": { tasks: [agentTask(1n, { name: "x".repeat(2_500_000) })] },
  "tasks.task.task_id": { tasks: [agentTask(1n, { task_id: { value: "../t1" } })] },
  version: { version: "x".repeat(2_500_000) },
  "executors.executor": {
    executors: [
      {
        framework_id: { value: "framework" },
        executor: { executor_id: { value: "e" }, source: "x".repeat(2_500_000) },
      },
    ],
  },
  "agent_info.resources": { agent_info: { hostname: "host", resources: [reserved] } },
  "agent_info.attributes": {
    agent_info: {
      hostname: "host",
      attributes: [{ name: "speed", type: "SCALAR", scalar: { value: Number.POSITIVE_INFINITY } }],
    },
  },
};

test.each(Object.entries(refused))(
  "a registration whose %s no row or document can hold is refused",
  (field, facts) => {
    const host = new MasterHost();
    const { effects, changes } = host.apply({
      type: "AGENT_REGISTER",
      request: registration(facts),
    });
    expect(effects).toMatchObject([
      { type: "REPLY", reply: { type: "REFUSED", error: { code: "AGENT_INVALID", field } } },
    ]);
    expect(changes).toEqual([]);
  },
);

test("an agent that registers twice with one session but another name is not asked for back", () => {
  const host = new MasterHost();
  host.apply({ type: "AGENT_REGISTER", request: registration() });
  const framework_info = { user: "root", name: "framework", roles: ["web"] };
  const capabilities = [{ type: "MULTI_ROLE" }] as const;
  const call = {
    type: "SUBSCRIBE",
    subscribe: { framework_info: { ...framework_info, capabilities } },
  } as const;
  host.apply({ type: "SUBSCRIBE", streamId: "stream" as StreamId, call });
  const machine_ids = [{ hostname: "host", ip: "10.0.0.1" }];
  const unavailability = { start: { nanoseconds: 1n } };
  const windows = [{ machine_ids, unavailability }];
  host.apply({
    type: "OPERATOR_CALL",
    call: {
      type: "UPDATE_MAINTENANCE_SCHEDULE",
      update_maintenance_schedule: { schedule: { windows } },
    },
  });
  expect(host.state.tables.inverseOffer.size).toBe(1);
  const renamed = registration({ agent_info: { hostname: "other", resources: [cpus] } });
  host.apply({ type: "AGENT_REGISTER", request: renamed });
  expect(host.state.tables.inverseOffer.size).toBe(0);
});

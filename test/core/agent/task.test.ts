import { expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { running, task } from "./bench.ts";

test("what describes a task goes with it to the master, but for its secrets", () => {
  const data = new TextEncoder().encode("swordfish");
  const secret = { type: "VALUE", value: { data } } as const;
  const variables = [{ name: "PASSWORD", type: "SECRET", secret } as const];
  const described: Partial<mesos.TaskInfo> = {
    labels: { labels: [{ key: "team", value: "blue" }] },
    discovery: { visibility: "EXTERNAL", name: "web", ports: { ports: [{ number: 80 }] } },
    kill_policy: { grace_period: { nanoseconds: 7_000_000_000n } },
    limits: { mem: { value: 128 } },
  };
  const health_check: mesos.HealthCheck = {
    type: "COMMAND",
    command: { value: "true", environment: { variables } },
  };
  const bench = running({ task: task("t1", { ...described, health_check }) });
  const [told] = bench.tasks();
  expect(told?.task).toMatchObject(described);
  const shown = [{ name: "PASSWORD", type: "SECRET", secret: { type: "VALUE" } }];
  expect(told?.task.health_check?.command?.environment?.variables).toEqual(shown);
});

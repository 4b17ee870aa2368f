import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { endMasters, isAlive, joined, pidIn, waiting } from "./agent-lab.ts";
import { cleanUp, startAgent } from "./agent-process.ts";
import type { FakeMaster } from "./fake-master.ts";

afterEach(endMasters);
afterAll(() => cleanUp());

describe("persistent volumes", () => {
  const resource = (id: string): mesos.Resource => ({
    name: "disk",
    type: "SCALAR",
    scalar: { value: 8 },
    reservations: [{ type: "DYNAMIC", role: "r", principal: "p" }],
    disk: { persistence: { id }, volume: { mode: "RW", container_path: "data" } },
  });
  const operate = (master: FakeMaster, type: "CREATE" | "DESTROY", resources: mesos.Resource[]) =>
    master.send({
      type: "APPLY_OPERATION",
      apply_operation: {
        operation_uuid: new Uint8Array(16),
        info: type === "CREATE" ? { type } : { type, destroy: { volumes: [resource("v")] } },
        resources,
      },
    });

  test("a volume's data outlive its task and the agent's SIGKILL, and end with DESTROY", async () => {
    const { master, agent, workDirectory, args } = await joined();
    const more = { resources: [resource("v")] };
    operate(master, "CREATE", [resource("v")]);
    master.run("t1", "echo kept > data/file", more);
    await master.state("t1", "TASK_FINISHED");
    agent.child.kill("SIGKILL");
    await agent.ended;
    await startAgent(args);
    const again = await master.until("it registers", () => master.registrations[1]);
    expect(again.resources?.filter(({ disk }) => disk !== undefined)).toMatchObject([
      { scalar: { value: 8 }, disk: { persistence: { id: "v" } } },
    ]);
    master.run("t2", "cat data/file; exit 9", more);
    await master.state("t2", "TASK_FAILED");
    const executor = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/t2/runs/latest");
    expect(readFileSync(join(executor, "stdout"), "utf8")).toBe("kept\n");
    const number = operate(master, "DESTROY", []);
    await master.until("it is destroyed", () => master.acknowledged >= number || undefined);
    expect(existsSync(join(workDirectory, "volumes/roles/r/v"))).toBe(false);
  });
});

describe("task groups", () => {
  test("tasks of a group have folders of their own in their executor's sandbox, and its name", async () => {
    const { master, workDirectory } = await joined();
    const command = "echo $MESOS_EXECUTOR_ID in $MESOS_SANDBOX; pwd";
    master.runGroup("e1", { a: command, b: `sleep 0.2; ${command}; exit 4` });
    await master.state("a", "TASK_FINISHED");
    const status = await master.state("b", "TASK_FAILED");
    expect(status.executor_id?.value).toBe("e1");
    const sandbox = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/e1/runs/latest");
    const { container_id } = status.container_status ?? {};
    expect(readlinkSync(sandbox)).toBe(container_id?.parent?.value);
    expect(readlinkSync(join(sandbox, "tasks/b"))).toBe(`../containers/${container_id?.value}`);
    const inside = join(sandbox, "..", String(container_id?.parent?.value));
    const own = join(inside, "containers", String(container_id?.value));
    expect(readFileSync(join(sandbox, "tasks/b/stdout"), "utf8")).toBe(`e1 in ${own}\n${own}\n`);
    const path = "/frameworks/f1/executors/e1/runs/latest/tasks/a/stdout";
    const read = await master.call({ type: "READ_FILE", read_file: { path, offset: 0n } });
    expect(read.status).toBe(200);
    await master.until("the executor exits", () => master.exited[0]);
    expect(master.exited).toEqual(["e1"]);
  });

  test("a task that fails takes its group along; another group of the executor runs on, across a SIGKILL", async () => {
    const { master, agent, workDirectory, args } = await joined();
    const [a, c] = [join(workDirectory, "a"), join(workDirectory, "c")];
    master.runGroup("e1", { a: waiting(a), b: `while [ ! -e ${c} ]; do sleep 0.05; done; exit 1` });
    const pidOfA = await pidIn(master, a);
    master.runGroup("e1", { c: waiting(c) });
    const pidOfC = await pidIn(master, c);
    await master.state("b", "TASK_FAILED");
    await master.state("a", "TASK_KILLED");
    expect([isAlive(pidOfA), isAlive(pidOfC)]).toEqual([false, true]);
    agent.child.kill("SIGKILL");
    await agent.ended;
    await startAgent(args);
    const again = await master.until("it registers", () => master.registrations[1]);
    expect(again.executors?.map(({ executor }) => executor.executor_id.value)).toEqual(["e1"]);
    const shutdown_executor = { framework_id: { value: "f1" }, executor_id: { value: "e1" } };
    master.send({ type: "SHUTDOWN_EXECUTOR", shutdown_executor });
    await master.state("c", "TASK_KILLED");
    await master.until("the executor exits", () => master.exited[0]);
    expect(isAlive(pidOfC)).toBe(false);
  });
});

describe("the master's SHUTDOWN", () => {
  test("ends every task, says why, and exits with a code that nobody starts it again for", async () => {
    const { master, agent, workDirectory } = await joined();
    const file = join(workDirectory, "pid");
    master.run("t1", waiting(file));
    const pid = await pidIn(master, file);
    await master.state("t1", "TASK_RUNNING");
    master.send({ type: "SHUTDOWN", shutdown: { message: "Agent is marked gone" } });
    expect(await agent.ended).toEqual([20, null]);
    expect(isAlive(pid)).toBe(false);
    expect(agent.log()).toMatch(/the master removed this agent \(Agent is marked gone\)/);
  });
});

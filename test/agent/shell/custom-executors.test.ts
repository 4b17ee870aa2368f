import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { requirement } from "../../support/require.ts";
import { endMasters, isAlive, joined } from "./agent-lab.ts";
import { cleanUp, startAgent } from "./agent-process.ts";
import type { FakeMaster } from "./fake-master.ts";

afterEach(endMasters);
afterAll(() => cleanUp());

const PROGRAM = join(import.meta.dirname, "../../support/executor.mjs");
const FRAMEWORK: mesos.FrameworkInfo = {
  id: { value: "f1" },
  user: "root",
  name: "f1",
  checkpoint: true,
};

function executor(variables: Readonly<Record<string, string>> = {}, id = "e"): mesos.ExecutorInfo {
  return {
    executor_id: { value: id },
    framework_id: { value: "f1" },
    command: {
      value: `exec ${process.execPath} ${PROGRAM}`,
      environment: {
        variables: Object.entries(variables).map(([name, value]) => ({ name, value })),
      },
    },
    resources: [{ name: "mem", type: "SCALAR", scalar: { value: 64 } }],
  };
}

interface LaunchOptions {
  /** What the executor does with it. */
  readonly name: string;
  readonly of: mesos.ExecutorInfo;
  /** MB */
  readonly memory: number;
}

function launch(
  master: FakeMaster,
  taskId: string,
  { name = "run", of = executor(), memory = 1 }: Partial<LaunchOptions> = {},
): bigint {
  const task: mesos.TaskInfo = {
    name,
    task_id: { value: taskId },
    agent_id: { value: "test-S0" },
    executor: of,
    resources: [{ name: "mem", type: "SCALAR", scalar: { value: memory } }],
  };
  return master.send({ type: "RUN_TASK", run_task: { framework: FRAMEWORK, task } });
}

const ids = { framework_id: { value: "f1" }, executor_id: { value: "e" } };

/** What the executor has noted so far. */
function notes(workDirectory: string, executorId = "e"): readonly string[] {
  const runs = join(workDirectory, "slaves/test-S0/frameworks/f1/executors", executorId, "runs");
  const path = join(runs, "latest/events");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}

async function noted(
  master: FakeMaster,
  workDirectory: string,
  pattern: RegExp,
  executorId?: string,
): Promise<string> {
  return await master.until(`the executor notes ${pattern}`, () =>
    notes(workDirectory, executorId).find((line) => pattern.test(line)),
  );
}

describe("a custom executor", () => {
  test("runs tasks, hears kills and messages, and ends when it is told to", async () => {
    const { master, workDirectory } = await joined();
    const first = launch(master, "t1");
    const running = await master.state("t1", "TASK_RUNNING");
    expect(running).toMatchObject({
      source: "SOURCE_EXECUTOR",
      executor_id: { value: "e" },
      agent_id: { value: "test-S0" },
    });
    expect(running.container_status?.executor_pid).toBeGreaterThan(1);
    launch(master, "t2", { name: "finish" });
    await master.state("t2", "TASK_FINISHED");
    const task_id = { value: "t1" };
    const { framework_id } = ids;
    master.send({ type: "KILL_TASK", kill_task: { framework_id, task_id, run_number: first } });
    await master.state("t1", "TASK_KILLED");
    const data = Buffer.from([0, 1, 255]);
    master.sendVolatile({ type: "FRAMEWORK_MESSAGE", framework_message: { ...ids, data } });
    const back = await master.until("the message comes back", () =>
      master.reports.flatMap(({ executor_messages }) => executor_messages ?? []).at(0),
    );
    expect(Buffer.from(back.data)).toEqual(data);
    expect(back).toMatchObject(ids);
    master.send({ type: "SHUTDOWN_EXECUTOR", shutdown_executor: ids });
    await master.until("its exit is told", () => master.exited.includes("e") || undefined);
    expect(notes(workDirectory).map((line) => line.replace(/ \d+$/, ""))).toEqual([
      ...["pid", "SUBSCRIBED", "LAUNCH t1", "ACKNOWLEDGED", "LAUNCH t2"],
      ...["ACKNOWLEDGED", "ACKNOWLEDGED", "KILL t1", "ACKNOWLEDGED", "MESSAGE", "SHUTDOWN"],
    ]);
  });

  test("has a container, in which it can be looked into, and others can be launched", async () => {
    const { master, workDirectory } = await joined();
    launch(master, "t1");
    const { container_status: told } = await master.state("t1", "TASK_RUNNING");
    const { body } = await master.call({ type: "GET_CONTAINERS", get_containers: {} });
    const [shown] = JSON.parse(body).get_containers.containers;
    expect(shown).toMatchObject({
      executor_id: { value: "e" },
      container_id: told?.container_id,
      container_status: { executor_pid: told?.executor_pid },
    });
    const container_id = { value: "inner", parent: { value: shown.container_id.value } };
    const file = join(workDirectory, "inner");
    const launched = await master.call({
      type: "LAUNCH_CONTAINER",
      launch_container: { container_id, command: { value: `echo $MESOS_EXECUTOR_ID > ${file}` } },
    });
    expect(launched.status).toBe(200);
    await master.until("the inner one has run", () => existsSync(file) || undefined);
    const killed = await master.call({
      type: "KILL_CONTAINER",
      kill_container: { container_id: shown.container_id },
    });
    expect(killed.status).toBe(200);
    await master.state("t1", "TASK_FAILED");
  });

  test("gets a group at once", async () => {
    const { master, workDirectory } = await joined();
    const task = (id: string): mesos.TaskInfo => ({
      name: "finish",
      task_id: { value: id },
      agent_id: { value: "test-S0" },
    });
    const run_task_group = {
      framework: FRAMEWORK,
      executor: { ...executor(), type: "CUSTOM" as const },
      task_group: { tasks: [task("a"), task("b")] },
    };
    master.send({ type: "RUN_TASK_GROUP", run_task_group });
    await master.state("a", "TASK_FINISHED");
    await master.state("b", "TASK_FINISHED");
    expect(notes(workDirectory)).toContain("LAUNCH_GROUP");
  });

  test("that dies takes its tasks along, and its exit has the raw status", async () => {
    const { master, workDirectory } = await joined();
    launch(master, "t1");
    await master.state("t1", "TASK_RUNNING");
    const pid = Number((await noted(master, workDirectory, /^pid/)).slice(4));
    process.kill(pid, "SIGKILL");
    const status = await master.state("t1", "TASK_FAILED");
    expect(status).toMatchObject({ source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED" });
    const exits = () => master.reports.flatMap(({ executor_exits }) => executor_exits ?? []);
    await master.until("its exit", () => exits()[0]);
    expect(exits()[0]?.status).toBe(9);
  });

  test("outlives the agent and goes on with the next one, its tasks too", async () => {
    const { master, workDirectory, args, agent } = await joined();
    launch(master, "t1");
    await master.state("t1", "TASK_RUNNING");
    const pid = Number((await noted(master, workDirectory, /^pid/)).slice(4));
    agent.child.kill("SIGKILL");
    await agent.ended;
    expect(isAlive(pid)).toBe(true);
    await startAgent(args);
    const registration = await master.until("it registers", () => master.registrations[1]);
    expect(registration.executors?.map(({ executor }) => executor.executor_id.value)).toEqual([
      "e",
    ]);
    launch(master, "t2", { name: "finish" });
    await master.state("t2", "TASK_FINISHED");
    expect(isAlive(pid)).toBe(true);
    expect(master.statesOf("t1")).toEqual(["TASK_RUNNING"]);
  });

  test("that does not come back to the next agent is ended, and its tasks are LOST", async () => {
    const { master, workDirectory, args, agent } = await joined();
    launch(master, "t1");
    await master.state("t1", "TASK_RUNNING");
    const pid = Number((await noted(master, workDirectory, /^pid/)).slice(4));
    process.kill(pid, "SIGSTOP");
    agent.child.kill("SIGKILL");
    await agent.ended;
    await startAgent(args);
    const status = await master.state("t1", "TASK_LOST");
    expect(status.reason).toBe("REASON_EXECUTOR_REREGISTRATION_TIMEOUT");
    await master.until("it is gone", () => !isAlive(pid) || undefined);
  });
});

const cgroups = requirement("cgroups");
describe.skipIf(cgroups.missing)(cgroups.title("a custom executor in a cgroup"), () => {
  test("may use what its tasks may use, as they come and go", async () => {
    const { master } = await joined("--containerizer", "cgroups");
    const megabytes = async (): Promise<number> => {
      const { body } = await master.call({ type: "GET_CONTAINERS", get_containers: {} });
      const [container] = JSON.parse(body).get_containers.containers;
      return container.resource_statistics.mem_limit_bytes / 1024 ** 2;
    };
    // The checkout may lie in /tmp, of which the container has one of its own.
    const { command } = executor();
    const value = `exec ${process.execPath} executor.mjs`;
    const of = { ...executor(), command: { ...command, value, uris: [{ value: PROGRAM }] } };
    launch(master, "t1", { memory: 100, of });
    await master.state("t1", "TASK_RUNNING");
    expect(await megabytes()).toBe(164);
    const run_number = launch(master, "t2", { memory: 100, of });
    await master.state("t2", "TASK_RUNNING");
    expect(await megabytes()).toBe(264);
    const { framework_id } = ids;
    const kill_task = { framework_id, task_id: { value: "t2" }, run_number };
    master.send({ type: "KILL_TASK", kill_task });
    await master.state("t2", "TASK_KILLED");
    for (let tries = 0; (await megabytes()) !== 164; tries++) expect(tries).toBeLessThan(100);
  });
});

describe("an executor that says it is another", () => {
  test("is refused, whatever token it has, and changes nothing", async () => {
    const { master, workDirectory } = await joined();
    launch(master, "t1");
    await master.state("t1", "TASK_RUNNING");
    const own = { of: executor({ TEST_EXECUTOR_ID: "e" }, "thief") };
    launch(master, "t2", own);
    const line = await noted(master, workDirectory, /^refused/, "thief");
    expect(line).toMatch(/^refused 403 The token is not that of executor 'e'/);
    expect(notes(workDirectory)).not.toContain("SHUTDOWN");
    expect(master.statesOf("t1")).toEqual(["TASK_RUNNING"]);
  });

  test.each([
    ["no token", "", /^refused 401 Send 'Authorization/],
    ["a forged one", "eyJhbGciOiJub25lIn0.e30.", /^refused 401 The token is none of/],
  ])("with %s it is refused", async (_, token, sentence) => {
    const { master, workDirectory } = await joined();
    launch(master, "t1", { of: executor({ TEST_TOKEN: token }) });
    expect(await noted(master, workDirectory, /^refused/)).toMatch(sentence);
  });

  test("is believed without a token where everybody on the machine may do everything", async () => {
    const { master } = await joined("--insecure-local");
    launch(master, "t1", { of: executor({ TEST_TOKEN: "" }) });
    await master.state("t1", "TASK_RUNNING");
  });
});

test("the key of the tokens is the agent's alone, and no token is logged", async () => {
  const { master, workDirectory, agent } = await joined();
  launch(master, "t1");
  await master.state("t1", "TASK_RUNNING");
  const { statSync } = await import("node:fs");
  expect(statSync(join(workDirectory, "meta/executor-key")).mode & 0o777).toBe(0o600);
  expect(agent.log()).not.toMatch(/eyJ/);
});

test("an agent that is to end with its parent ends its executors too", async () => {
  const { master, workDirectory, agent } = await joined("--die-with-parent");
  launch(master, "t1");
  await master.state("t1", "TASK_RUNNING");
  const pid = Number((await noted(master, workDirectory, /^pid/)).slice(4));
  agent.child.stdin?.end();
  await agent.ended;
  expect(isAlive(pid)).toBe(false);
});

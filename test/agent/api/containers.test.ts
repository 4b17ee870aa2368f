/** LAUNCH_, WAIT_, KILL_ and REMOVE_CONTAINER, and tasks with terminals, of a real agent. */
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, test as vitestTest } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { type Requirement, requirement } from "../../support/require.ts";
import { endMasters, joined } from "../shell/agent-lab.ts";
import { cleanUp, startAgent } from "../shell/agent-process.ts";
import type { FakeMaster } from "../shell/fake-master.ts";
import {
  attachInput,
  callAgent,
  childOf,
  containersOf,
  newMark,
  onlyContainer,
  openStream,
  present,
  processesWith,
  until,
} from "./ask.ts";

afterEach(async () => {
  await endMasters();
  await cleanUp();
});

async function portIn(log: () => string): Promise<number> {
  return await until("it listens", () => {
    const found = /API at http:\/\/127\.0\.0\.1:(\d+)/.exec(log())?.[1];
    return found === undefined ? undefined : Number(found);
  });
}

let kind = "process";

async function withTask(command = "exec sleep 1000", more: Partial<mesos.TaskInfo> = {}) {
  const lab = await joined("--insecure-local", "--containerizer", kind);
  const port = await portIn(lab.agent.log);
  lab.master.run("t1", command, more);
  await lab.master.state("t1", "TASK_RUNNING");
  return { ...lab, port, task: await onlyContainer(port) };
}

const launch = (
  container_id: mesos.ContainerID,
  value: string,
  more: Partial<mesos.TaskInfo> = {},
) => ({
  type: "LAUNCH_CONTAINER",
  launch_container: { container_id, command: { value }, ...more },
});

const about =
  (type: "WAIT" | "KILL" | "REMOVE") =>
  async (port: number, container_id: mesos.ContainerID, more: object = {}) => {
    const name = `${type}_CONTAINER`;
    return await callAgent(port, {
      type: name,
      [name.toLowerCase()]: { container_id, ...more },
    });
  };
const wait = about("WAIT");
const kill = about("KILL");
const remove = about("REMOVE");

const exitOf = async (port: number, id: mesos.ContainerID): Promise<number | undefined> =>
  (await wait(port, id)).message?.wait_container?.exit_status;

const cpus: readonly mesos.Resource[] = [{ name: "cpus", type: "SCALAR", scalar: { value: 0.1 } }];

async function killTask(master: FakeMaster): Promise<void> {
  const ids = { framework_id: { value: "f1" }, task_id: { value: "t1" } };
  master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number: 1n } });
  await master.state("t1", "TASK_KILLED");
}

const none: Requirement = { missing: false, title: (text) => text };
const kinds = { process: none, cgroups: requirement("cgroups") };

describe.each(Object.entries(kinds))("a container in a task's of %s", (name, need) => {
  const test = vitestTest.skipIf(need.missing);
  beforeAll(() => {
    kind = name;
  });
  afterAll(() => {
    kind = "process";
  });

  test("has a sandbox of its own; its end is told, remembered, and forgotten when asked", async () => {
    const { port, task } = await withTask();
    const id = childOf(task, "c1");
    expect((await callAgent(port, launch(id, 'echo "$MESOS_SANDBOX"; pwd; exit 3'))).status).toBe(
      200,
    );
    expect(await exitOf(port, id)).toBe(3 << 8);
    expect(await exitOf(port, id)).toBe(3 << 8);
    const call = { type: "LAUNCH_NESTED_CONTAINER", launch_nested_container: {} };
    expect(
      (
        await callAgent(port, {
          ...call,
          launch_nested_container: { container_id: id, command: { value: "x" } },
        })
      ).status,
    ).toBe(202);
    const [, sandbox] = /^(.*)$/m.exec((await stdoutOf(port, task, "c1")) ?? "") ?? [];
    expect(await stdoutOf(port, task, "c1")).toBe(`${sandbox}\n${sandbox}\n`);
    expect(sandbox).toMatch(new RegExp(`/runs/${task.value}/containers/c1$`));
    expect((await remove(port, id)).status).toBe(200);
    expect((await wait(port, id)).status).toBe(404);
    expect(existsSync(present(sandbox))).toBe(false);
    expect((await remove(port, id)).status).toBe(200);
    expect((await callAgent(port, launch(id, "exit 4"))).status).toBe(200);
    expect(await exitOf(port, id)).toBe(4 << 8);
  });

  test("is killed by a signal, and cannot be removed while it runs", async () => {
    const { port, task } = await withTask();
    const id = childOf(task, "c1");
    await callAgent(port, launch(id, "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done"));
    expect((await remove(port, id)).status).toBe(500);
    expect((await kill(port, id, { signal: 99 })).status).toBe(400);
    expect((await kill(port, childOf(task, "c2"))).status).toBe(404);
    expect((await kill(port, { value: "c1" })).status).toBe(404);
    await until("it is ready", async () => (await stdoutOf(port, task, "c1")) === "up\n");
    expect((await kill(port, id, { signal: 15 })).status).toBe(200);
    expect(await exitOf(port, id)).toBe(5 << 8);
    const other = childOf(task, "c3");
    await callAgent(port, launch(other, "sleep 1000"));
    expect((await kill(port, other)).status).toBe(200);
    expect(await exitOf(port, other)).toBe(9);
    expect((await kill(port, other)).status).toBe(404);
  });

  test("ends with its task, as does what is in it", async () => {
    const { master, port, task } = await withTask();
    const outer = childOf(task, "outer");
    await callAgent(port, launch(outer, "trap '' TERM; sleep 1000 & wait; wait"));
    const mark = newMark();
    const inner = `: ${mark}; trap '' TERM HUP; while :; do sleep 0.1; done`;
    expect((await callAgent(port, launch(childOf(outer, "inner"), inner))).status).toBe(200);
    await until("it runs", () => processesWith(mark).length > 0);
    await killTask(master);
    await until("it is gone", () => processesWith(mark).length === 0);
    // In cgroups the task's own SIGTERM is for everything in it.
    expect([9, 15]).toContain(await exitOf(port, childOf(outer, "inner")));
    expect((await callAgent(port, launch(childOf(task, "late"), "true"))).status).toBe(400);
  });

  test("outlives the agent, and its end is told by the next one", async () => {
    const { agent, args, port, task } = await withTask();
    const [running, ended] = [childOf(task, "running"), childOf(task, "ended")];
    await callAgent(port, launch(running, "until [ -e go ]; do sleep 0.05; done; exit 6"));
    await callAgent(port, launch(ended, "exit 7"));
    await exitOf(port, ended);
    agent.child.kill("SIGKILL");
    await agent.ended;
    const next = await startAgent(args);
    const nextPort = await portIn(next.log);
    await until("it has recovered", async () => (await containersOf(nextPort)).length > 1);
    expect(await exitOf(nextPort, ended)).toBe(7 << 8);
    const call = session(childOf(task, "s"), `touch containers/running/go`);
    await (await openStream(nextPort, call)).ended;
    expect(await exitOf(nextPort, running)).toBe(6 << 8);
  });

  test("is not launched into a folder that its task has put in the way", async () => {
    const { port, task, workDirectory } = await withTask();
    const victim = join(workDirectory, "victim");
    mkdirSync(victim);
    const sandbox = present((await sandboxOf(port))?.replace("file://", ""));
    symlinkSync(victim, join(sandbox, "containers"));
    const { status, text } = await callAgent(port, launch(childOf(task, "c1"), "true"));
    expect([status, text]).toEqual([500, expect.stringMatching(/ENOTDIR|ELOOP/)]);
    expect(existsSync(join(victim, "c1"))).toBe(false);
  });
});

describe("in a task group", () => {
  test("clients launch beside each task and in the executor, and all of it ends with that", async () => {
    const { master, agent } = await joined("--insecure-local");
    const port = await portIn(agent.log);
    master.runGroup("e1", { a: "exec sleep 1000", b: "exec sleep 1000" });
    await master.state("b", "TASK_RUNNING");
    const all = await containersOf(port);
    const executor = present(all.find(({ parent }) => parent === undefined));
    const tasks = all.filter(({ parent }) => parent?.value === executor.value);
    expect(tasks).toHaveLength(2);
    const stream = await openStream(port, session(childOf(present(tasks[0]), "s"), "pwd"));
    await stream.ended;
    expect(stream.out().toString()).toMatch(
      new RegExp(`/runs/${executor.value}/containers/${tasks[0]?.value}\n$`),
    );
    const mark = newMark();
    const nested = childOf(executor, "n1");
    const script = `pwd; : ${mark}; trap "" TERM; while :; do sleep 0.1; done`;
    expect((await callAgent(port, launch(nested, script))).status).toBe(200);
    await until("it runs", () => processesWith(mark).length > 0);
    const unknown = childOf({ value: tasks[0]?.value ?? "" }, "n2");
    expect((await callAgent(port, launch(unknown, "true"))).status).toBe(400);
    const shutdown_framework = { framework_id: { value: "f1" } };
    master.send({ type: "SHUTDOWN_FRAMEWORK", shutdown_framework });
    await until("it is gone", () => processesWith(mark).length === 0);
  });
});

describe("a container of its own", () => {
  test("needs resources, is listed on demand, and outlives every task", async () => {
    const { master, port, task } = await withTask();
    const id = { value: "alone" };
    expect((await callAgent(port, launch(id, "true"))).text).toContain("resources");
    expect((await callAgent(port, launch(id, "sleep 1000", { resources: cpus }))).status).toBe(200);
    await callAgent(port, launch(childOf(task, "nested"), "sleep 1000"));
    const listed = async (get_containers: object): Promise<readonly string[]> => {
      const { message } = await callAgent(port, { type: "GET_CONTAINERS", get_containers });
      const all = message?.get_containers?.containers ?? [];
      return all.map(({ container_id }) => container_id?.value ?? "");
    };
    expect(await listed({})).toEqual([task.value]);
    expect(await listed({ show_nested: true })).toEqual([task.value, "nested"]);
    expect(await listed({ show_standalone: true })).toEqual([task.value, "alone"]);
    await killTask(master);
    await until(
      "the nested one is gone",
      async () => !(await listed({ show_nested: true, show_standalone: true })).includes("nested"),
    );
    expect(await listed({ show_standalone: true })).toEqual(["alone"]);
    await kill(port, id);
    expect(await exitOf(port, id)).toBe(9);
  });

  test("cannot take the name of a task's container, nor be one", async () => {
    const { port, task } = await withTask();
    expect((await callAgent(port, launch(task, "true", { resources: cpus }))).status).toBe(202);
    expect((await remove(port, task)).status).toBe(500);
    expect(
      (await callAgent(port, launch({ value: "../x" }, "true", { resources: cpus }))).status,
    ).toBe(400);
  });
});

describe("a task", () => {
  test("is waited for like any container, also when it is over", async () => {
    const { master, port, task } = await withTask("exec sleep 1000");
    const waiting = wait(port, task);
    await kill(port, task, { signal: 15 });
    expect((await waiting).message?.wait_container?.exit_status).toBe(15);
    await master.state("t1", "TASK_FAILED");
    const later = await until("its end is in the books", async () => {
      const { message } = await wait(port, task);
      return message?.wait_container?.state === undefined ? undefined : message;
    });
    expect(later.wait_container).toMatchObject({
      state: "TASK_FAILED",
      message: expect.stringContaining("Terminated"),
    });
  });

  test("with a terminal is attached to from outside, by this agent process and the next", async () => {
    const container: mesos.ContainerInfo = {
      type: "MESOS",
      tty_info: { window_size: { rows: 30, columns: 90 } },
    };
    const script =
      "trap 'stty size' WINCH; stty size; while :; do read line && echo got $line; done";
    const { agent, args, port, task } = await withTask(script, { container });
    const output = {
      type: "ATTACH_CONTAINER_OUTPUT",
      attach_container_output: { container_id: task },
    };
    const stream = await openStream(port, output);
    const input = attachInput(port, task);
    input.type("one\r");
    await until("it is read", () => stream.out().includes("got one"));
    const window_size = { rows: 11, columns: 22 };
    input.send({ type: "CONTROL", control: { type: "TTY_INFO", tty_info: { window_size } } });
    await until("it has the new size", () => stream.out().includes("11 22"));
    agent.child.kill("SIGKILL");
    await agent.ended;
    const next = await startAgent(args);
    const nextPort = await portIn(next.log);
    await until("it has recovered", async () => (await containersOf(nextPort)).length > 0);
    const again = await openStream(nextPort, output);
    const typing = attachInput(nextPort, task);
    typing.type("two\r");
    await until("it is read", () => again.out().includes("got two"));
    typing.end();
    expect((await typing.answer).status).toBe(200);
  });
});

function session(container_id: mesos.ContainerID, value: string) {
  return {
    type: "LAUNCH_NESTED_CONTAINER_SESSION",
    launch_nested_container_session: { container_id, command: { value } },
  };
}

async function sandboxOf(port: number): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/state`);
  const state = (await response.json()) as {
    frameworks: { executors: { directory: string }[] }[];
  };
  return state.frameworks[0]?.executors[0]?.directory;
}

async function stdoutOf(
  port: number,
  task: mesos.ContainerID,
  name: string,
): Promise<string | undefined> {
  const path = `${await sandboxOf(port)}/containers/${name}/stdout`;
  expect(task.value).not.toBe("");
  return readFileSync(path, "utf8");
}

import { existsSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { requirement } from "../../support/require.ts";
import { endMasters, isAlive, joined, pidIn, waiting } from "./agent-lab.ts";
import { cleanUp, startAgent } from "./agent-process.ts";
import type { FakeMaster } from "./fake-master.ts";

afterEach(endMasters);
afterAll(() => cleanUp());

const fast = { delay_seconds: 0, interval_seconds: 0.1, grace_period_seconds: 0 };

/** The first status that has this. */
async function told(
  master: FakeMaster,
  what: string,
  find: (status: mesos.TaskStatus) => boolean,
): Promise<mesos.TaskStatus> {
  return await master.until(what, () => master.updates.map(({ status }) => status).find(find));
}

test("a command check runs in the task's sandbox, with its environment and the check's", async () => {
  const { master } = await joined();
  const environment = { variables: [{ name: "CODE", value: "3" }] };
  const command = { value: "test -f ready || exit 9; exit $((CODE + FROM_TASK))", environment };
  const task = { variables: [{ name: "FROM_TASK", value: "4" }] };
  master.run("t1", "", {
    command: { value: "touch ready; sleep 1000", environment: task },
    check: { type: "COMMAND", command: { command }, ...fast },
  });
  const running = await master.state("t1", "TASK_RUNNING");
  expect(running.check_status).toEqual({ type: "COMMAND", command: {} });
  const status = await told(
    master,
    "the check's outcome",
    ({ check_status }) => check_status?.command?.exit_code === 7,
  );
  expect(status.reason).toBe("REASON_TASK_CHECK_STATUS_UPDATED");
});

test("of a task in a group it runs in that task's sandbox, not in its executor's", async () => {
  const { master } = await joined();
  const command = {
    value:
      'test "$PWD" = "$MESOS_SANDBOX" && test -f of-a && test -n "$MESOS_CONTAINER_IP"; exit $?',
  };
  const check: mesos.CheckInfo = { type: "COMMAND", command: { command }, ...fast };
  master.runGroup("e1", { a: "touch of-a; sleep 1000", b: "sleep 1000" }, { check });
  const outcome = async (id: string, code: number) =>
    await told(
      master,
      `the outcome of ${id}'s check`,
      ({ task_id, check_status }) =>
        task_id.value === id && check_status?.command?.exit_code === code,
    );
  await outcome("a", 0);
  await outcome("b", 1);
});

const cgroups = requirement("cgroups");
test.skipIf(cgroups.missing)(
  cgroups.title("a command check is made inside the task's namespaces and cgroup"),
  async () => {
    const { master, workDirectory } = await joined("--containerizer", "cgroups");
    const places =
      "readlink /proc/self/ns/pid; grep :memory: /proc/self/cgroup || cat /proc/self/cgroup";
    const command = {
      value: `(${places}) > new; mv new check`,
    };
    master.run("t1", "", {
      command: { value: `(${places}) > task; sleep 1000` },
      resources: [{ name: "mem", type: "SCALAR", scalar: { value: 64 } }],
      check: { type: "COMMAND", command: { command }, ...fast },
    });
    const runs = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/t1/runs/latest");
    await master.until("the check is made", () => existsSync(join(runs, "check")) || undefined);
    const [inCheck, inTask] = ["check", "task"].map((name) =>
      readFileSync(join(runs, name), "utf8"),
    );
    // Beside the task's processes, beneath what has the limits.
    expect(inTask).toMatch(/^pid:.*\n.*\/\.tasks\n$/);
    const limited = inTask?.replace(/\.tasks\n$/, "") ?? "?";
    expect(inCheck?.slice(0, limited.length)).toBe(limited);
    expect(inCheck).not.toContain("/.tasks");
  },
);

test("a command that takes too long is ended, whole, and has no outcome", async () => {
  const { master, workDirectory } = await joined();
  const file = join(workDirectory, "pid");
  const first = `test -f ${file} || { ${waiting(file)}; }`;
  const check = { type: "COMMAND", command: { command: { value: first } }, ...fast } as const;
  master.run("t1", "sleep 1000", { check: { ...check, timeout_seconds: 0.5 } });
  const pid = await pidIn(master, file);
  await told(master, "the next outcome", ({ check_status }) => {
    return check_status?.command?.exit_code === 0;
  });
  expect(isAlive(pid)).toBe(false);
});

test("a command that an agent left under way is ended by the next, which checks again", async () => {
  const { master, workDirectory, args, agent } = await joined();
  const file = join(workDirectory, "pid");
  const first = `test -f ${file} || { ${waiting(file)}; }`;
  const check = { type: "COMMAND", command: { command: { value: first } }, ...fast } as const;
  master.run("t1", "sleep 1000", { check });
  const pid = await pidIn(master, file);
  agent.child.kill("SIGKILL");
  await agent.ended;
  expect(isAlive(pid)).toBe(true);
  await startAgent(args);
  await told(master, "the next outcome", ({ check_status }) => {
    return check_status?.command?.exit_code === 0;
  });
  expect(isAlive(pid)).toBe(false);
  expect(master.statesOf("t1").filter((state) => state !== "TASK_RUNNING")).toEqual([
    "TASK_STARTING",
  ]);
});

test("a task whose health check fails is killed, and nothing of it is left", async () => {
  const { master, workDirectory } = await joined();
  const file = join(workDirectory, "pid");
  master.run("t1", waiting(file), {
    health_check: {
      ...{ type: "COMMAND", command: { value: "exit 2" }, ...fast },
      consecutive_failures: 2,
    },
  });
  const pid = await pidIn(master, file);
  const killed = await master.state("t1", "TASK_KILLED");
  expect(killed.healthy).toBe(false);
  const sick = master.updates.filter(({ status }) => status.healthy === false);
  const messages = new Set(sick.flatMap(({ status }) => status.message ?? []));
  expect([...messages]).toContain("Health check failed (2 in a row): the command exited with 2");
  expect(isAlive(pid)).toBe(false);
});

test("a health check over TCP tells health as it changes, and goes on with the next agent", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  const { master, args, agent } = await joined();
  master.run("t1", "sleep 1000", {
    health_check: { type: "TCP", tcp: { port }, ...fast, consecutive_failures: 1_000 },
  });
  await told(master, "it is healthy", ({ healthy }) => healthy === true);
  agent.child.kill("SIGKILL");
  await agent.ended;
  await new Promise((resolve) => server.close(resolve));
  await startAgent(args);
  await told(master, "it is sick", ({ healthy }) => healthy === false);
});

test("a secret is in the task's environment, and nowhere that others can read", async () => {
  const { master, workDirectory, agent } = await joined("--insecure-local");
  const data = Buffer.from("swordfish-4711");
  const secret = { type: "VALUE", value: { data } } as const;
  const environment = { variables: [{ name: "PASSWORD", type: "SECRET", secret } as const] };
  const value = 'printf %s "$PASSWORD" | rev > new; mv new out; sleep 1000';
  master.run("t1", "", { command: { value, environment } });
  await master.state("t1", "TASK_RUNNING");
  const runs = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/t1/runs");
  await master.until("the task has read it", () => {
    return existsSync(join(runs, "latest/out")) || undefined;
  });
  expect(readFileSync(join(runs, "latest/out"), "utf8").trim()).toBe("1174-hsifdrows");
  expect(agent.log()).not.toContain("swordfish");
  const { body } = await master.call({ type: "GET_STATE" });
  expect(body).not.toContain(data.toString("base64"));
  expect(body).not.toContain("swordfish");
});

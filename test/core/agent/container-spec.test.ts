import { expect, test } from "vitest";
import type { ContainerId } from "../../../agent/containerizer/containerizer.ts";
import { containerSpec, resourceLimits } from "../../../agent/core/container-spec.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { framework, task } from "./bench.ts";

const place = {
  containerId: "c1" as ContainerId,
  agentId: "c-S0",
  ip: "10.0.0.7",
  port: 5051,
  sandboxDirectory: "/w/sandbox",
  user: "nobody",
};
const scalar = (name: string, value: number): mesos.Resource => ({
  name,
  type: "SCALAR",
  scalar: { value },
  allocation_info: { role: "web" },
});

test("a task sees the agent's variables, its own win, and nothing else is there", () => {
  const variables = [
    { name: "A", value: "1" },
    { name: "MESOS_SANDBOX", value: "mine" },
    { name: "EMPTY" },
  ];
  const info = task("t1", { command: { value: "true", environment: { variables } } });
  const withRole = { ...info, resources: [scalar("cpus", 1)] };
  expect(containerSpec(framework("f1"), withRole, place).environment).toEqual({
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    MESOS_FRAMEWORK_ID: "f1",
    MESOS_EXECUTOR_ID: "t1",
    MESOS_SLAVE_ID: "c-S0",
    MESOS_SLAVE_PID: "slave(1)@10.0.0.7:5051",
    MESOS_AGENT_ENDPOINT: "10.0.0.7:5051",
    MESOS_DIRECTORY: "/w/sandbox",
    MESOS_SANDBOX: "mine",
    MESOS_CHECKPOINT: "0",
    MESOS_HTTP_COMMAND_EXECUTOR: "0",
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: "5secs",
    MESOS_ALLOCATION_ROLE: "web",
    A: "1",
    EMPTY: "",
  });
});

test("a checkpointing framework's tasks are told the recovery times", () => {
  const info = { ...framework("f1"), checkpoint: true };
  expect(containerSpec(info, task("t1"), place).environment).toMatchObject({
    MESOS_CHECKPOINT: "1",
    MESOS_RECOVERY_TIMEOUT: "15mins",
    MESOS_SUBSCRIPTION_BACKOFF_MAX: "2secs",
  });
});

const commands: [mesos.CommandInfo, object][] = [
  [{ value: "echo hi" }, { shell: true, value: "echo hi" }],
  [
    { value: "/bin/echo", shell: false, arguments: ["echo", "hi"] },
    { shell: false, value: "/bin/echo", arguments: ["echo", "hi"] },
  ],
  [
    { value: "/bin/true", shell: false },
    { shell: false, value: "/bin/true", arguments: ["/bin/true"] },
  ],
];
test.each(commands)("the command %j becomes %j", (command, expected) => {
  expect(containerSpec(framework("f1"), task("t1", { command }), place).command).toEqual(expected);
});

test("the command's user wins over the framework's, and none is the agent's own", () => {
  const info = task("t1", { command: { value: "x", user: "www" } });
  expect(containerSpec(framework("f1"), info, place).user).toBe("www");
  expect(containerSpec(framework("f1"), task("t1"), place).user).toBe("nobody");
  const unprivileged = { ...place, user: undefined };
  expect(containerSpec(framework("f1"), task("t1"), unprivileged)).not.toHaveProperty("user");
});

const MEGABYTE = 1024 * 1024;

test("memory is a hard cap, cpus a share; `limits` raise or lift them", () => {
  const resources = [scalar("cpus", 0.5), scalar("mem", 64), scalar("mem", 36)];
  const limitsOf = (limits?: Record<string, { value: number }>) =>
    resourceLimits(task("t1", { resources, ...(limits === undefined ? {} : { limits }) }));
  const memoryRequestBytes = 100 * MEGABYTE;
  expect(limitsOf()).toEqual({ cpusRequest: 500, memoryLimitBytes: 100 * MEGABYTE });
  expect(limitsOf({ cpus: { value: 2 }, mem: { value: 200 } })).toEqual({
    cpusRequest: 500,
    cpusLimit: 2_000,
    memoryLimitBytes: 200 * MEGABYTE,
    memoryRequestBytes,
  });
  const infinite = { value: Number.POSITIVE_INFINITY };
  expect(limitsOf({ mem: infinite, cpus: infinite })).toEqual({
    cpusRequest: 500,
    memoryRequestBytes,
    isCpusUncapped: true,
  });
  expect(resourceLimits(task("t1", { resources: [] }))).toEqual({ cpusRequest: 10 });
});

test("no task gets less memory than a program needs; its disk bounds its sandbox, not its volumes", () => {
  const volume = { ...scalar("disk", 100), disk: { persistence: { id: "v" } } };
  const resources = [scalar("cpus", 1), scalar("mem", 1), scalar("disk", 10), volume];
  expect(resourceLimits(task("t1", { resources }))).toEqual({
    cpusRequest: 1_000,
    memoryLimitBytes: 32 * MEGABYTE,
    diskLimitBytes: 10 * MEGABYTE,
  });
});

test("a task of a group has the host name of its executor, unless it has its own", () => {
  const executor: mesos.ExecutorInfo = {
    ...{ executor_id: { value: "e" }, type: "DEFAULT" },
    container: { type: "MESOS", hostname: "pod-1" },
  };
  const spec = (info: mesos.TaskInfo) =>
    containerSpec(framework("f1"), info, { ...place, executor });
  expect(spec(task("t1")).hostname).toBe("pod-1");
  expect(spec(task("t1", { container: { type: "MESOS", hostname: "own" } })).hostname).toBe("own");
  expect(containerSpec(framework("f1"), task("t1"), place).hostname).toBeUndefined();
});

test("the operator's variables give way to the agent's and to the task's own", () => {
  const variables = [{ name: "OWN", value: "task's" }];
  const info = task("t1", { command: { value: "true", environment: { variables } } });
  const operatorEnvironment = {
    ...{ PATH: "/opt/bin", OWN: "operator's", JAVA_HOME: "/opt/java" },
    MESOS_SANDBOX: "elsewhere",
  };
  const spec = containerSpec(framework("f1"), info, { ...place, operatorEnvironment });
  expect(spec.environment).toMatchObject({
    ...{ PATH: "/opt/bin", OWN: "task's", JAVA_HOME: "/opt/java" },
    MESOS_SANDBOX: place.sandboxDirectory,
  });
});

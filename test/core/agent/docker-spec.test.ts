/** From a task to its Docker container: what Mesos' rules make of it, and what they refuse. */
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { readParameters } from "../../../agent/core/docker-parameters.ts";
import { dockerEnvironment, dockerPart } from "../../../agent/core/docker-spec.ts";
import { taskGraceMs } from "../../../agent/core/grace.ts";
import { launchObstacle } from "../../../agent/core/launch-check.ts";
import type { RunRow } from "../../../agent/core/rows.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../../worker/protocol/wire/json.ts";

type Docker = Partial<mesos.ContainerInfoDockerInfo>;

function taskOf(docker: Docker, over: Partial<mesos.ContainerInfo> = {}): mesos.TaskInfo {
  return {
    ...{ name: "t", task_id: { value: "t" }, agent_id: { value: "S0" } },
    resources: [
      { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000n, end: 31_002n }] } },
    ],
    command: { value: "run", shell: true },
    container: { type: "DOCKER", docker: { image: "busybox", ...docker }, ...over },
  };
}

function refusal(task: mesos.TaskInfo): string {
  const part = dockerPart(task);
  assert.ok(!part.ok, "the task must be refused");
  assert.equal(
    launchObstacle({ id: { value: "F" }, user: "", name: "" }, task, { isNested: false }),
    part.error,
  );
  return part.error;
}

function spec(task: mesos.TaskInfo) {
  const part = dockerPart(task);
  assert.ok(part.ok, part.ok ? "" : part.error);
  return part.value.docker;
}

describe("the command", () => {
  const commandOf = (command: mesos.CommandInfo) => {
    const part = dockerPart({ ...taskOf({}), command });
    assert.ok(part.ok);
    return part.value.command;
  };

  test("with a shell it is the shell's, which is where nobody says", () => {
    assert.deepEqual(commandOf({ value: "a b" }), { shell: true, value: "a b" });
    assert.deepEqual(commandOf({ value: "a b", shell: true }), { shell: true, value: "a b" });
  });

  test("without one, value and arguments are for the image's entrypoint", () => {
    const given = { shell: false, value: "v", arguments: ["x", "y"] };
    assert.deepEqual(commandOf(given), { shell: false, value: "v", arguments: ["x", "y"] });
    const only = { shell: false, value: "", arguments: ["x"] };
    assert.deepEqual(commandOf({ shell: false, arguments: ["x"] }), only);
  });

  test("without anything it is the image's own, and the task may be launched", () => {
    assert.deepEqual(commandOf({}), { shell: false, value: "", arguments: [] });
    const task = { ...taskOf({}), command: {} };
    const framework = { id: { value: "F" }, user: "", name: "" };
    assert.equal(launchObstacle(framework, task, { isNested: false }), undefined);
    assert.match(launchObstacle(framework, task, { isNested: true }) ?? "", /a task of a group/);
  });

  test("the PATH is the image's unless the task names one", () => {
    const environment = { PATH: "/agent", MORE: "1" };
    assert.deepEqual(dockerEnvironment(environment, taskOf({})), { MORE: "1" });
    const variables = [{ name: "PATH", value: "/own" }];
    const command = { value: "x", environment: { variables } };
    assert.deepEqual(dockerEnvironment(environment, { command }), environment);
  });
});

describe("the network", () => {
  const mapping = (host_port: number, more = {}) => ({ host_port, container_port: 80, ...more });

  test("it is the machine's where nobody says, without a hostname of its own", () => {
    assert.deepEqual(spec(taskOf({})).network, { mode: "host" });
    assert.match(refusal(taskOf({}, { hostname: "x" })), /on the network HOST has the machine's/);
    assert.equal(spec(taskOf({ network: "BRIDGE" }, { hostname: "x" })).hostname, "x");
  });

  test("one of a user has the name in the first network info", () => {
    const named = (name: string) => ({ network_infos: [{ name }] });
    const network = { mode: "user", name: "overlay-1" };
    assert.deepEqual(spec(taskOf({ network: "USER" }, named("overlay-1"))).network, network);
    assert.match(refusal(taskOf({ network: "USER" })), /USER needs the Docker network's `name`/);
    assert.match(refusal(taskOf({ network: "USER" }, named("--x"))), /needs the Docker network's/);
    const two = { network_infos: [{ name: "a" }, { name: "b" }] };
    assert.match(refusal(taskOf({ network: "USER" }, two)), /is on one network/);
  });

  test("an address or another name needs a network that has such", () => {
    const parameters = [{ key: "network-alias", value: "db" }];
    assert.match(refusal(taskOf({ network: "BRIDGE", parameters })), /need the network USER/);
    const named = { network_infos: [{ name: "overlay-1" }] };
    const { overrides } = spec(taskOf({ network: "USER", parameters }, named));
    assert.deepEqual(overrides.endpoint, { Aliases: ["db"] });
  });

  test("a mapped port is among the task's, on the bridge or a user's network", () => {
    const port_mappings = [mapping(31_000), mapping(31_002, { protocol: "UDP" })];
    assert.deepEqual(spec(taskOf({ network: "BRIDGE", port_mappings })).portMappings, [
      { hostPort: 31_000, containerPort: 80, protocol: "tcp" },
      { hostPort: 31_002, containerPort: 80, protocol: "udp" },
    ]);
    for (const network of ["HOST", "NONE", undefined] as const) {
      const why = refusal(taskOf({ ...(network && { network }), port_mappings }));
      assert.match(why, /`port_mappings` need the network BRIDGE or USER/);
    }
    const bridge = (one: ReturnType<typeof mapping>) =>
      refusal(taskOf({ network: "BRIDGE", port_mappings: [one] }));
    assert.match(bridge(mapping(30_999)), /30999 is not among the task's `ports`/);
    assert.match(bridge(mapping(31_003)), /31003 is not among/);
    assert.match(bridge(mapping(31_000, { protocol: "icmp" })), /'icmp' of a port is none of/);
    assert.match(bridge(mapping(31_000, { container_port: 0 })), /container port 0 is not between/);
    const none = { ...taskOf({ network: "BRIDGE", port_mappings }), resources: [] };
    assert.match(refusal(none), /31000 is not among/);
  });
});

describe("volumes", () => {
  const volume = (over: Partial<mesos.Volume>): mesos.Volume => ({
    ...{ mode: "RO", container_path: "/in" },
    ...over,
  });
  const one = (over: Partial<mesos.Volume>, docker: Docker = {}) =>
    spec(taskOf(docker, { volumes: [volume(over)] })).volumes[0];
  const none = (over: Partial<mesos.Volume>) => refusal(taskOf({}, { volumes: [volume(over)] }));

  test("absolute paths are the machine's, relative ones the sandbox's", () => {
    const host = { type: "HOST", path: "/data" };
    assert.deepEqual(one({ host_path: "/data" }), {
      ...{ source: host, containerPath: "/in", readOnly: true },
    });
    assert.deepEqual(one({ host_path: "data", container_path: "in", mode: "RW" }), {
      ...{ source: { type: "SANDBOX", path: "data" }, readOnly: false },
      containerPath: "/mnt/mesos/sandbox/in",
    });
  });

  test("a Docker volume has a name, and a driver with options", () => {
    const driver_options = { parameter: [{ key: "size", value: "1" }] };
    const docker_volume = { name: "n", driver: "d", driver_options };
    const named = { type: "NAMED", name: "n", driver: "d", options: { size: "1" } };
    assert.deepEqual(one({ source: { type: "DOCKER_VOLUME", docker_volume } })?.source, named);
    const byDriver = one({ host_path: "n" }, { volume_driver: "d" });
    assert.deepEqual(byDriver?.source, { type: "NAMED", name: "n", driver: "d", options: {} });
  });

  test("a path that would say more than a path is refused", () => {
    for (const path of ["", "../up", "/a/../b", "/etc:/x", "/a\0b"]) {
      assert.match(none({ host_path: path }), /the path '.*' of a volume/s, JSON.stringify(path));
      const inside = { host_path: "/data", container_path: path };
      assert.match(none(inside), /the path '.*' of a volume/s, JSON.stringify(path));
    }
    assert.match(none({}), /are of a `host_path` or a `docker_volume`/);
    assert.match(none({ image: { type: "DOCKER" } }), /no volumes from images/);
  });
});

test("what only containers of type MESOS have is refused by name", () => {
  assert.match(refusal(taskOf({}, { linux_info: {} })), /no `linux_info`; use Docker parameters/);
  assert.match(refusal(taskOf({}, { rlimit_info: {} })), /no `rlimit_info`/);
  assert.match(refusal(taskOf({}, { tty_info: {} })), /no terminal/);
  assert.match(refusal(taskOf({}, { mesos: {} })), /no `mesos`/);
  const part = dockerPart({ container: { type: "DOCKER" } });
  assert.deepEqual(part, { ok: false, error: "a container of type DOCKER needs `docker`" });
});

test("what docker stop would wait is the grace of a task that has no kill policy", () => {
  const grace = (parameters: mesos.Parameter[], seconds?: number): number => {
    const kill_policy = { grace_period: { nanoseconds: BigInt(seconds ?? 0) * 1_000_000_000n } };
    const task = { ...taskOf({ parameters }), ...(seconds !== undefined && { kill_policy }) };
    // Nothing else of the row is looked at.
    return taskGraceMs({ info: encodeJson("mesos.v1.TaskInfo", task) } as RunRow);
  };
  const parameter = { key: "stop-timeout", value: "40" };
  assert.equal(grace([]), 3_000);
  assert.equal(grace([parameter]), 40_000);
  assert.equal(grace([parameter], 7), 7_000);
  assert.equal(grace([{ ...parameter, value: "-1" }]), 3_000);
});

test("GPUs are whole", () => {
  const gpus = (value: number) => [{ name: "gpus", type: "SCALAR" as const, scalar: { value } }];
  assert.equal(spec({ ...taskOf({}), resources: gpus(2) }).gpus, 2);
  assert.match(refusal({ ...taskOf({}), resources: gpus(0.5) }), /whole `gpus`/);
});

describe("parameters", () => {
  const read = (...pairs: readonly (readonly [string, string])[]) =>
    readParameters(pairs.map(([key, value]) => ({ key, value })));
  const clause = (key: string, value: string): string => {
    const done = read([key, value]);
    assert.ok(!done.ok, "it must be refused");
    return done.error;
  };

  test("each becomes its member of the Engine's call, repeated ones a list", () => {
    const done = read(
      ["env", "A=1"],
      ["env", "B=2"],
      ["label", "a=b=c"],
      ["ulimit", "nofile=10:20"],
      ["shm-size", "64m"],
      ["init", "true"],
      ["tmpfs", "/run:size=1m"],
      ["log-driver", "syslog"],
      ["log-opt", "tag=x"],
      ["ip", "10.0.0.7"],
      ["platform", "linux/arm64"],
    );
    assert.ok(done.ok);
    const { overrides, privileges } = done.value;
    assert.deepEqual(privileges, []);
    assert.deepEqual(overrides, {
      config: { Env: ["A=1", "B=2"], Labels: { a: "b=c" } },
      hostConfig: {
        Ulimits: [{ Name: "nofile", Soft: 10, Hard: 20 }],
        ShmSize: 64 * 2 ** 20,
        Init: true,
        Tmpfs: { "/run": "size=1m" },
        LogConfig: { Type: "syslog", Config: { tag: "x" } },
      },
      endpoint: { IPAMConfig: { IPv4Address: "10.0.0.7" } },
      platform: "linux/arm64",
    });
  });

  test("what takes isolation away is named, what does not is not", () => {
    const named = (key: string, value: string): boolean => {
      const done = read([key, value]);
      assert.ok(done.ok, `${key}=${value}`);
      return done.value.privileges.length > 0;
    };
    for (const [key, value] of [
      ...[["cap-add", "SYS_ADMIN"] as const, ["device", "/dev/mem"] as const],
      ...[["pid", "host"] as const, ["ipc", "container:x"] as const],
      ...[["userns", "host"] as const, ["uts", "host"] as const, ["cgroupns", "host"] as const],
      ...[["security-opt", "seccomp=unconfined"] as const, ["oom-score-adj", "-900"] as const],
    ]) {
      assert.equal(named(key, value), true, `${key}=${value}`);
    }
    for (const [key, value] of [
      ...[["cap-drop", "ALL"] as const, ["ipc", "private"] as const],
      ...[["security-opt", "no-new-privileges"] as const, ["oom-score-adj", "900"] as const],
    ]) {
      assert.equal(named(key, value), false, `${key}=${value}`);
    }
  });

  test("one that the agent answers for is refused with what to do instead", () => {
    assert.match(clause("name", "x"), /'name' is refused: the agent finds the container by it/);
    assert.match(clause("memory", "1g"), /comes from the task's resources/);
    assert.match(clause("restart", "always"), /its framework decides/);
    assert.match(clause("net", "x"), /by `network` and `network_infos`/);
    assert.match(clause("privileged", "true"), /by `privileged`/);
  });

  test("an unknown one and one that cannot be are refused by name", () => {
    for (const key of ["nonsense", "Env", "constructor", "__proto__", "toString"]) {
      assert.match(clause(key, "x"), new RegExp(`there is no Docker parameter '${key}'`));
    }
    assert.match(clause("ulimit", "many"), /'ulimit' cannot be 'many': write one like nofile/);
    assert.match(clause("shm-size", "lots"), /write a size like 512m/);
    assert.match(clause("init", "maybe"), /write true or false/);
    assert.match(clause("device", "fuse"), /write one like \/dev\/fuse/);
    assert.match(clause("pids-limit", "1.5"), /write a whole number/);
  });
});

/** Tasks of type DOCKER on a real agent, with a real daemon: what their frameworks are told. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { type DockerDaemon, startDockerDaemon } from "../../support/docker-daemon.ts";
import { type FakeRegistry, startFakeRegistry } from "../../support/fake-registry.ts";
import { requirement } from "../../support/require.ts";
import { beforeStart, endMasters, joined } from "./agent-lab.ts";
import { cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";

const docker = requirement("docker");

function inContainer(
  command: mesos.CommandInfo,
  over: Partial<mesos.ContainerInfoDockerInfo> = {},
): Partial<mesos.TaskInfo> {
  const container = { type: "DOCKER", docker: { image: "rimrock-test:1", ...over } } as const;
  return { command, container };
}

describe.skipIf(docker.missing)(docker.title("a task of type DOCKER"), () => {
  let daemon: DockerDaemon;
  let registry: FakeRegistry;
  let flags: readonly string[] = [];
  beforeAll(async () => {
    daemon = await startDockerDaemon();
    registry = await startFakeRegistry(daemon.files);
    flags = ["--containerizers", "mesos,docker", "--docker-socket", daemon.socketPath];
  }, 60_000);
  afterEach(endMasters);
  afterAll(async () => {
    await cleanUp();
    await registry.close();
    await daemon.remove();
  }, 60_000);

  const containers = async (): Promise<readonly { readonly Names: readonly string[] }[]> =>
    // The Engine's own list.
    (await daemon.call("GET", "/containers/json?all=1")) as { Names: string[] }[];

  test("its framework is told of its network, its inspection and its end, as Mesos has it", async () => {
    const { master, workDirectory } = await joined(...flags);
    const command = { value: 'echo "out $MESOS_SANDBOX"; echo err >&2; sleep 0.3; exit 3' };
    master.run("t1", "", inContainer(command, { network: "BRIDGE" }));
    const running = await master.state("t1", "TASK_RUNNING");
    const [info] = running.container_status?.network_infos ?? [];
    const address = info?.ip_addresses?.[0]?.ip_address ?? "";
    expect(address).toMatch(/^172\.\d+\.\d+\.\d+$/);
    const label = { key: "Docker.NetworkSettings.IPAddress", value: address };
    expect(running.labels?.labels).toEqual([label]);
    const [inspected] = JSON.parse(Buffer.from(running.data ?? []).toString("utf8"));
    const id = running.container_status?.container_id?.value;
    expect(inspected.Name).toBe(`/mesos-${id}`);
    const failed = await master.state("t1", "TASK_FAILED");
    expect(failed.message).toBe("Container exited with status 3");
    expect(failed.data).toBeUndefined();
    expect(master.statesOf("t1")).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]);
    const runs = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/t1/runs/latest");
    expect(readFileSync(join(runs, "stdout"), "utf8")).toBe("out /mnt/mesos/sandbox\n");
    expect(readFileSync(join(runs, "stderr"), "utf8")).toBe("err\n");
    await expect.poll(containers, { timeout: 5_000 }).toEqual([]);
  });

  test("on the machine's network it has the machine's address", async () => {
    const { master } = await joined(...flags);
    master.run("t1", "", inContainer({ value: "exit 0" }));
    const running = await master.state("t1", "TASK_RUNNING");
    const addresses = [{ protocol: "IPv4", ip_address: "127.0.0.1" }];
    expect(running.container_status?.network_infos).toEqual([{ ip_addresses: addresses }]);
    expect(running.labels).toBeUndefined();
    await master.state("t1", "TASK_FINISHED");
  });

  test("a persistent volume is where it should be, and what its sandbox says is kept", async () => {
    const { master, workDirectory } = await joined(...flags);
    const disk = {
      persistence: { id: "v1" },
      volume: { mode: "RW" as const, container_path: "data" },
    };
    const resource = { name: "disk", type: "SCALAR" as const, scalar: { value: 16 } };
    const resources = [
      { ...resource, reservations: [{ type: "STATIC" as const, role: "r" }], disk },
    ];
    const apply_operation = {
      ...{ operation_uuid: new Uint8Array(16), info: { type: "CREATE" as const }, resources },
    };
    master.send({ type: "APPLY_OPERATION", apply_operation });
    const command = { value: "cd /mnt/mesos/sandbox; echo kept >data/file; cat data/file" };
    master.run("t1", "", { ...inContainer(command), resources });
    await master.state("t1", "TASK_FINISHED");
    const volume = join(workDirectory, "volumes/roles/r/v1/file");
    expect(readFileSync(volume, "utf8")).toBe("kept\n");
  });

  test("it is refused by name where it cannot be", async () => {
    const { master } = await joined();
    master.run("t1", "", inContainer({ value: "true" }));
    const status = await master.state("t1", "TASK_FAILED");
    expect(status.reason).toBe("REASON_CONTAINER_LAUNCH_FAILED");
    expect(status.message).toMatch(/runs no Docker containers; start it with --containerizers=/);
    const port_mappings = [{ host_port: 1, container_port: 1 }];
    master.run("t2", "", inContainer({ value: "true" }, { network: "BRIDGE", port_mappings }));
    const refused = await master.state("t2", "TASK_FAILED");
    expect(refused.message).toMatch(/the host port 1 is not among the task's `ports`/);
  });

  test("an agent without a daemon does not start, and says what to do", async () => {
    const { args } = await beforeStart("--containerizers", "mesos,docker");
    const agent = await startAgent([...args, "--docker-socket", join(temporaryDirectory(), "no")]);
    expect(await agent.ended).toEqual([1, null]);
    expect(agent.log()).toMatch(
      /the docker containerizer cannot work here: The Docker daemon at .*no/,
    );
  });

  test("a kill ends it by the signal, and while its image is on the way", async () => {
    const { master } = await joined(...flags);
    const command = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    const first = master.run("t1", "", inContainer({ value: command }));
    await master.state("t1", "TASK_RUNNING");
    const kill = (taskId: string, run_number: bigint): void => {
      const ids = { framework_id: { value: "f1" }, task_id: { value: taskId } };
      master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number } });
    };
    kill("t1", first);
    expect((await master.state("t1", "TASK_KILLED")).message).toBe(
      "Container exited with status 0",
    );
    const image = `${registry.host}/slow/app:1`;
    const second = master.run("t2", "", inContainer({ value: "true" }, { image }));
    await expect.poll(() => registry.asked.some((path) => path.includes("/slow/"))).toBe(true);
    kill("t2", second);
    const killed = await master.state("t2", "TASK_KILLED");
    expect(killed.reason).toBe("REASON_TASK_KILLED_DURING_LAUNCH");
    expect(master.statesOf("t2")).toEqual(["TASK_KILLED"]);
    const third = master.run("t3", "", inContainer({ value: "true" }, { image }));
    kill("t3", third);
    await master.state("t3", "TASK_KILLED");
  });

  test("a command check is made inside of it", async () => {
    const { master } = await joined(...flags);
    const check: mesos.CheckInfo = {
      ...{ type: "COMMAND", delay_seconds: 0, interval_seconds: 0.2, timeout_seconds: 10 },
      command: { command: { value: "test -e /made-in-the-container && exit 7" } },
    };
    const command = { value: "touch /made-in-the-container; sleep 60" };
    master.run("t1", "", { ...inContainer(command), check });
    const checked = await master.until("the check is told", () =>
      master.updates.find(({ status }) => status.check_status?.command?.exit_code === 7),
    );
    expect(checked.status.state).toBe("TASK_RUNNING");
  });

  test("how long its image took is measured, where it had to be pulled", async () => {
    const { master, agent } = await joined(...flags, "--insecure-local");
    const pulls = async (): Promise<Record<string, number>> => {
      const port = /API at http:\/\/127\.0\.0\.1:(\d+)/.exec(agent.log())?.[1];
      const answer = await fetch(`http://127.0.0.1:${port}/metrics/snapshot`);
      const all = Object.entries((await answer.json()) as Record<string, number>);
      return Object.fromEntries(all.filter(([name]) => name.includes("image_pull_ms")));
    };
    master.run("t1", "", inContainer({ value: "true" }));
    await master.state("t1", "TASK_FINISHED");
    expect(await pulls()).toEqual({});
    const image = `${registry.host}/public/measured:1`;
    master.run("t2", "", inContainer({ value: "true" }, { image }));
    await master.state("t2", "TASK_FINISHED");
    const forced = { image, force_pull_image: true };
    master.run("t3", "", inContainer({ value: "true" }, forced));
    await master.state("t3", "TASK_FINISHED");
    const measured = await pulls();
    const name = "containerizer/docker/image_pull_ms";
    expect(measured[`${name}/count`]).toBe(2);
    expect(measured[name]).toBeGreaterThan(0);
    expect(measured[`${name}/max`]).toBeGreaterThanOrEqual(measured[`${name}/p50`] ?? Infinity);
  });

  test("it is ended for more disk than it may have, in its sandbox or beside its image", async () => {
    const quota = ["--enforce-container-disk-quota", "--container-disk-watch-interval", "100ms"];
    const { master, agent, args } = await joined(...flags, ...quota);
    const resources: mesos.Resource[] = [
      { name: "cpus", type: "SCALAR", scalar: { value: 0.1 } },
      { name: "disk", type: "SCALAR", scalar: { value: 4 } },
    ];
    const writing = (path: string): Partial<mesos.TaskInfo> => ({
      ...inContainer({ value: `head -c 6000000 /dev/zero > ${path}; exec sleep 1000` }),
      resources,
    });
    const modest = inContainer({ value: "head -c 3000000 /dev/zero > /big; exec sleep 1000" });
    master.run("modest", "", { ...modest, resources });
    for (const [at, path] of ["/big", "$MESOS_SANDBOX/big"].entries()) {
      master.run(`t${at}`, "", writing(path));
      const { reason, message } = await master.state(`t${at}`, "TASK_FAILED");
      expect(reason).toBe("REASON_CONTAINER_LIMITATION_DISK");
      expect(message).toMatch(/^Disk limit exceeded: limit 4 MB, used \d+(\.\d)? MB$/);
    }
    agent.child.kill("SIGKILL");
    await agent.ended;
    await startAgent(args);
    master.run("late", "", writing("/big"));
    await master.state("late", "TASK_FAILED");
    expect(master.statesOf("modest")).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
  });

  test("its image comes also when the daemon is restarted in the middle of the pull", async () => {
    const { master } = await joined(...flags);
    const image = `${registry.host}/late/app:1`;
    master.run("t1", "", inContainer({ value: "exit 3" }, { image }));
    const isAsked = () => registry.asked.some((path) => path.includes("/late/"));
    await expect.poll(isAsked).toBe(true);
    await daemon.stop("SIGTERM");
    await daemon.start();
    const { message } = await master.state("t1", "TASK_FAILED");
    expect(message).toBe("Container exited with status 3");
  }, 60_000);

  test("checks over the network are made in its own", async () => {
    const { master } = await joined(...flags);
    const check: mesos.CheckInfo = {
      ...{ type: "HTTP", delay_seconds: 0, interval_seconds: 0.2, timeout_seconds: 10 },
      http: { port: 8080, path: "/there" },
    };
    const health_check: mesos.HealthCheck = {
      ...{ type: "TCP", delay_seconds: 0, interval_seconds: 0.2, tcp: { port: 8080 } },
    };
    const command = { value: "mkdir /w; echo yes > /w/there; exec httpd -f -p 8080 -h /w" };
    const task = inContainer(command, { network: "BRIDGE" });
    master.run("t1", "", { ...task, check, health_check });
    const told = await master.until("both are told", () =>
      master.updates.find(
        ({ status }) => status.check_status?.http?.status_code === 200 && status.healthy === true,
      ),
    );
    expect(told.status.state).toBe("TASK_RUNNING");
  });

  test("a custom executor lives in one, and is who its token says", async () => {
    const { master, workDirectory } = await joined(...flags);
    const script = join(import.meta.dirname, "../../support/executor.sh");
    const executor: mesos.ExecutorInfo = {
      executor_id: { value: "e" },
      framework_id: { value: "f1" },
      command: { value: "sh $MESOS_SANDBOX/executor.sh", uris: [{ value: script }] },
      container: { type: "DOCKER", docker: { image: "rimrock-test:1" } },
    };
    master.run("t1", "", { command: undefined, executor });
    await master.state("t1", "TASK_FINISHED");
    const run = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/e/runs/latest");
    expect(readFileSync(join(run, "events"), "utf8")).toMatch(/"SUBSCRIBED".*"LAUNCH"/s);
  });

  test("it outlives the agent that is killed, and its end is told once", async () => {
    const { master, agent, args } = await joined(...flags);
    const count = "i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); sleep 0.01; done; exit 5";
    master.run("t1", "", inContainer({ value: count }));
    await master.state("t1", "TASK_RUNNING");
    const image = `${registry.host}/slow/again:1`;
    master.run("t2", "", inContainer({ value: "true" }, { image }));
    await expect.poll(() => registry.asked.some((path) => path.includes("/slow/again"))).toBe(true);
    agent.child.kill("SIGKILL");
    await agent.ended;
    await startAgent(args);
    const status = await master.state("t1", "TASK_FAILED");
    expect(status.message).toBe("Container exited with status 5");
    expect(master.statesOf("t1")).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]);
    const dropped = await master.state("t2", "TASK_LOST");
    expect(dropped.reason).toBe("REASON_AGENT_RESTARTED");
    const [work = ""] = args.slice(-1 - flags.length);
    const found = execFileSync("find", [work, "-path", "*executors/t1/runs/*", "-name", "stdout"]);
    const [file = ""] = found.toString().split("\n");
    const lines = Array.from({ length: 100 }, (_, index) => `${index}\n`).join("");
    expect(readFileSync(file, "utf8")).toBe(lines);
  });

  test("without docker enabled, an agent whose tasks are in Docker does not start", async () => {
    const { master, agent, args } = await joined(...flags);
    master.run("t1", "", inContainer({ value: "sleep 60" }));
    await master.state("t1", "TASK_RUNNING");
    agent.child.kill("SIGKILL");
    await agent.ended;
    const without = await startAgent(args.slice(0, -flags.length));
    expect(await without.ended).toEqual([1, null]);
    expect(without.log()).toMatch(/cannot start: 1 tasks of this work directory may be running/);
    await startAgent(args);
    await master.until("it is back", () => master.registrations[1]);
  });
});

/** Tasks of a real agent with the cgroups containerizer: what they see, and what ends them. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { requirement } from "../../support/require.ts";
import { endMasters, joined } from "./agent-lab.ts";
import { cleanUp } from "./agent-process.ts";

const cgroups = requirement("cgroups");
let machine = "";
beforeAll(() => {
  machine = mkdtempSync(join(tmpdir(), "rimrock-machine-"));
});
afterEach(endMasters);
afterAll(async () => {
  await cleanUp();
  rmSync(machine, { recursive: true, force: true });
});

const runOf = (workDirectory: string, executorId: string): string =>
  join(workDirectory, "slaves/test-S0/frameworks/f1/executors", executorId, "runs/latest");
const stdoutOf = (workDirectory: string, taskId: string): string =>
  readFileSync(join(runOf(workDirectory, taskId), "stdout"), "utf8");
const scalar = (name: string, value: number): mesos.Resource => ({
  ...{ name, type: "SCALAR", scalar: { value }, role: "*" },
});

describe.skipIf(cgroups.missing)(cgroups.title("an agent with the cgroups containerizer"), () => {
  const start = (...more: string[]) => joined("--containerizer", "cgroups", ...more);

  test("a task sees its volumes, and of the agent's folder nothing but its sandbox", async () => {
    const { master, workDirectory } = await start();
    const persistent: mesos.Resource = {
      ...scalar("disk", 8),
      reservations: [{ type: "DYNAMIC", role: "r", principal: "p" }],
      disk: { persistence: { id: "v" }, volume: { mode: "RW", container_path: "kept" } },
    };
    const absolute: mesos.Resource = {
      ...persistent,
      disk: { persistence: { id: "w" }, volume: { mode: "RW", container_path: "/mnt" } },
    };
    master.send({
      type: "APPLY_OPERATION",
      apply_operation: {
        operation_uuid: new Uint8Array(16),
        info: { type: "CREATE" },
        resources: [persistent, absolute],
      },
    });
    const volume: mesos.Volume = { mode: "RO", container_path: "conf", host_path: machine };
    const command =
      `cat ${workDirectory}/api-token; ls -A ${workDirectory}/meta; ls -A ${workDirectory}; ` +
      "echo one >kept/file; echo two >/mnt/file; touch conf/no 2>&1; cat /proc/sys/kernel/hostname";
    master.run("t1", command, {
      resources: [scalar("cpus", 0.1), scalar("mem", 64), persistent, absolute],
      container: { type: "MESOS", volumes: [volume], hostname: "task-host" },
    });
    await master.state("t1", "TASK_FINISHED");
    expect(stdoutOf(workDirectory, "t1")).toMatch(
      /^slaves\nvolumes\n.*Read-only file system\ntask-host\n$/,
    );
    const volumes = join(workDirectory, "volumes/roles/r");
    expect(readFileSync(join(volumes, "v/file"), "utf8")).toBe("one\n");
    expect(readFileSync(join(volumes, "w/file"), "utf8")).toBe("two\n");
    expect(existsSync("/mnt/file")).toBe(false);
  });

  test("with users of their own, tasks own their sandboxes, volumes and what was fetched", async () => {
    const isolation = "cgroups/all,filesystem/linux,namespaces/pid,namespaces/user";
    const ids = ["--user-namespace-ids", "300000:65536"];
    const { master, workDirectory } = await start("--isolation", isolation, ...ids);
    const volume: mesos.Resource = {
      ...scalar("disk", 8),
      reservations: [{ type: "DYNAMIC", role: "r", principal: "p" }],
      disk: { persistence: { id: "v" }, volume: { mode: "RW", container_path: "kept" } },
    };
    master.send({
      type: "APPLY_OPERATION",
      apply_operation: {
        operation_uuid: new Uint8Array(16),
        info: { type: "CREATE" },
        resources: [volume],
      },
    });
    // What is fetched from the machine is read with the task's rights.
    chmodSync(machine, 0o755);
    writeFileSync(join(machine, "input"), "data\n");
    const value = "id -u; cat input; echo one >kept/file; rm input; cat /proc/self/uid_map";
    const uris: mesos.CommandInfoURI[] = [{ value: `file://${machine}/input`, extract: false }];
    for (const [id, user, owner] of [
      ["t1", "root", 300_000],
      ["t2", "nobody", 365_534],
    ] as const) {
      master.run(id, "", {
        resources: [scalar("cpus", 0.1), scalar("mem", 64), volume],
        command: { value, user, uris },
      });
      await master.state(id, "TASK_FINISHED");
      const uid = owner - 300_000;
      expect(stdoutOf(workDirectory, id)).toMatch(
        new RegExp(`^${uid}\\ndata\\n\\s+0\\s+300000\\s+65536\\n$`),
      );
      expect(statSync(runOf(workDirectory, id)).uid).toBe(owner);
      const file = join(workDirectory, "volumes/roles/r/v/file");
      expect(statSync(file).uid).toBe(owner);
      rmSync(file);
    }
  });

  test("with users of their own, containers of clients own their sandboxes, those within too", async () => {
    const isolation = "cgroups/all,filesystem/linux,namespaces/pid,namespaces/user";
    const ids = ["--user-namespace-ids", "300000:65536", "--insecure-local"];
    const { workDirectory, agent } = await start("--isolation", isolation, ...ids);
    const api = /API at (http:\S+)/.exec(agent.log())?.[1];
    const call = async (type: string, more: object): Promise<Response> =>
      await fetch(`${api}/api/v1`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ type, [type.toLowerCase()]: more }),
      });
    const outer = { value: "outer" };
    const inner = { value: "inner", parent: outer };
    const resources = [scalar("cpus", 0.1), scalar("mem", 64)];
    const command = (value: string, user: string) => ({ value, user });
    const wait = "touch mine; while [ ! -e containers/inner/mine ]; do sleep 0.05; done";
    const launched = await call("LAUNCH_CONTAINER", {
      ...{ container_id: outer, resources, command: command(wait, "root") },
    });
    expect(launched.status, await launched.text()).toBe(200);
    const within = { container_id: inner, command: command("id -u; touch mine", "nobody") };
    const nested = await call("LAUNCH_CONTAINER", within);
    expect(nested.status, await nested.text()).toBe(200);
    const ended = await (await call("WAIT_CONTAINER", { container_id: outer })).json();
    expect(ended).toMatchObject({ wait_container: { exit_status: 0 } });
    const sandbox = join(workDirectory, "containers/outer");
    expect(statSync(join(sandbox, "mine")).uid).toBe(300_000);
    expect(statSync(join(sandbox, "containers/inner/mine")).uid).toBe(365_534);
    expect(readFileSync(join(sandbox, "containers/inner/stdout"), "utf8")).toBe("65534\n");
  });

  test("another user's task reads neither a sandbox nor what the agent knows", async () => {
    // Without mounts of its own, what keeps it out is who owns what.
    const { master, workDirectory } = await start("--isolation", "cgroups/cpu");
    chmodSync(workDirectory, 0o755);
    master.run("owner", "echo private >note; touch up; sleep 60");
    await master.until(
      "it is up",
      () => existsSync(join(runOf(workDirectory, "owner"), "up")) || undefined,
    );
    const note = join(runOf(workDirectory, "owner"), "note");
    const value = `cat ${note} ${workDirectory}/api-token ${workDirectory}/meta/*; exit 3`;
    master.run("thief", "", { command: { value, user: "nobody" } });
    await master.state("thief", "TASK_FAILED");
    expect(stdoutOf(workDirectory, "thief")).toBe("");
    expect(statSync(runOf(workDirectory, "owner")).mode & 0o777).toBe(0o700);
  });

  test("tasks of a group share /tmp, and folders of their executor's sandbox where they ask", async () => {
    const { master, workDirectory } = await start();
    const volumes: mesos.Volume[] = [
      {
        ...{ mode: "RW", container_path: "shared" },
        source: { type: "SANDBOX_PATH", sandbox_path: { type: "PARENT", path: "common" } },
      },
    ];
    const container: mesos.ContainerInfo = { type: "MESOS", volumes };
    const wait = "while [ ! -e /tmp/ready ]; do sleep 0.05; done";
    master.runGroup(
      "e1",
      { a: "echo data >shared/file; touch /tmp/ready", b: `${wait}; cat shared/file` },
      { container },
    );
    await master.state("a", "TASK_FINISHED");
    await master.state("b", "TASK_FINISHED");
    const sandbox = runOf(workDirectory, "e1");
    expect(readFileSync(join(sandbox, "tasks/b/stdout"), "utf8")).toBe("data\n");
    expect(readFileSync(join(sandbox, "common/file"), "utf8")).toBe("data\n");
  });

  test("a task is held to its processors where the operator wants it, and its figures say so", async () => {
    const { master, agent } = await start("--cgroups_enable_cfs", "--insecure-local");
    const resources = [scalar("cpus", 0.2), scalar("mem", 64)];
    master.run("capped", "exec sleep 60", { resources });
    const limits = { cpus: { value: Number.POSITIVE_INFINITY }, mem: { value: 128 } };
    master.run("free", "exec sleep 60", { resources, limits });
    for (const id of ["capped", "free"]) await master.state(id, "TASK_RUNNING");
    const api = /API at (http:\S+)/.exec(agent.log())?.[1];
    const read = async (path: string): Promise<unknown> => (await fetch(`${api}${path}`)).json();
    const all = (await read("/monitor/statistics")) as {
      executor_id: string;
      statistics: Record<string, number>;
    }[];
    const megabyte = 1024 ** 2;
    const soft = { cpus_soft_limit: 0.2, mem_soft_limit_bytes: 64 * megabyte };
    const [capped, free] = ["capped", "free"].map(
      (id) => all.find(({ executor_id }) => executor_id === id)?.statistics,
    );
    expect(capped).toMatchObject({ ...soft, cpus_limit: 0.2, mem_limit_bytes: 64 * megabyte });
    expect(free).toMatchObject({ ...soft, mem_limit_bytes: 128 * megabyte });
    expect(free?.cpus_limit).toBeUndefined();
    expect(capped?.mem_anon_bytes).toBe(capped?.mem_rss_bytes);
    expect(await read("/flags")).toMatchObject({ flags: { cgroups_enable_cfs: "true" } });
  });

  test("its flags name what tasks are really isolated by", async () => {
    const { agent } = await start("--insecure-local", "--isolation", "cgroups/cpu,namespaces/ipc");
    const api = /API at (http:\S+)/.exec(agent.log())?.[1];
    const { flags } = (await (await fetch(`${api}/flags`)).json()) as {
      flags: Record<string, string>;
    };
    expect(flags.isolation).toBe("cgroups/cpu,namespaces/ipc");
    expect(flags.launcher).toBe("linux");
  });

  test("a task that fills its disk fails with that reason and the amount it had", async () => {
    const { master } = await start(
      ...["--enforce-container-disk-quota", "--container-disk-watch-interval", "100ms"],
    );
    const fill = "i=0; while :; do head -c 1048576 /dev/zero >f$i; i=$((i+1)); sleep 0.05; done";
    master.run("t1", fill, {
      resources: [scalar("cpus", 0.1), scalar("mem", 64), scalar("disk", 3)],
    });
    const status = await master.state("t1", "TASK_FAILED");
    expect(status).toMatchObject({
      reason: "REASON_CONTAINER_LIMITATION_DISK",
      source: "SOURCE_AGENT",
      limitation: { resources: [{ name: "disk", scalar: { value: 3 } }] },
    });
    expect(status.message).toMatch(/^Disk limit exceeded: limit 3 MB, used/);
  });

  test("what cannot be given is refused by name", async () => {
    const { master } = await start("--isolation", "cgroups/cpu,filesystem/linux");
    mkdirSync(join(machine, "data"), { recursive: true });
    const refused: readonly [string, Omit<mesos.ContainerInfo, "type">, RegExp][] = [
      ["a", { hostname: "x" }, /left namespaces\/uts out of --isolation/],
      [
        "b",
        { volumes: [{ mode: "RW", container_path: "x", host_path: machine }] },
        /volume\/host_path/,
      ],
      [
        "c",
        { linux_info: { effective_capabilities: { capabilities: ["SYS_ADMIN"] } } },
        /capabilities/,
      ],
    ];
    for (const [id, fields, why] of refused) {
      master.run(id, "true", { container: { type: "MESOS", ...fields } });
      const status = await master.state(id, "TASK_FAILED");
      expect(status.reason).toBe("REASON_CONTAINER_LAUNCH_FAILED");
      expect(status.message).toMatch(why);
    }
  });
});

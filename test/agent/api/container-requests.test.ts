/** What clients ask of the containers they launch: of cgroups, where all of it is to be had. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { type ImageRegistry, startImageRegistry } from "../../support/image-registry.ts";
import { requirement } from "../../support/require.ts";
import { busyboxLayer } from "../containerizer/images/image-lab.ts";
import { endMasters, joined } from "../shell/agent-lab.ts";
import { type AgentProcess, cleanUp, startAgent } from "../shell/agent-process.ts";
import { callAgent, childOf, containersOf, onlyContainer, present, until } from "./ask.ts";

const cgroups = requirement("cgroups");
/** For the busybox of which the image is made. */
const docker = requirement("docker");

const scalar = (name: string, value: number): mesos.Resource => ({
  ...{ name, type: "SCALAR", scalar: { value } },
});
const little = [scalar("cpus", 0.1), scalar("mem", 64)];

async function portOf({ log }: AgentProcess): Promise<number> {
  return await until("it listens", () => {
    const found = /API at http:\/\/127\.0\.0\.1:(\d+)/.exec(log())?.[1];
    return found === undefined ? undefined : Number(found);
  });
}

interface Asked {
  readonly command: mesos.CommandInfo;
  readonly container?: Partial<mesos.ContainerInfo>;
  readonly resources?: readonly mesos.Resource[];
  readonly limits?: object;
}

/** `container`: its type may be left out. */
const launch = (container_id: mesos.ContainerID, { container, ...rest }: Asked) => ({
  type: "LAUNCH_CONTAINER",
  launch_container: {
    container_id,
    ...rest,
    ...(container !== undefined && { container: { type: "MESOS", ...container } }),
  },
});

/** One that answers nobody; it ends with the test. */
async function silentServer(): Promise<{ uri: string; held: readonly ServerResponse[] }> {
  const held: ServerResponse[] = [];
  const server = createServer((_, response) => void held.push(response)).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once("listening", resolve));
  // `listen` on TCP gives an address with a port.
  return { uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, held };
}

const waitFor = (port: number, container_id: mesos.ContainerID) =>
  callAgent(port, { type: "WAIT_CONTAINER", wait_container: { container_id } });

describe.skipIf(cgroups.missing)(cgroups.title("a container that a client launches"), () => {
  let lab: Awaited<ReturnType<typeof joined>>;
  let port: number;
  let folder: string;

  beforeAll(async () => {
    lab = await joined("--insecure-local", "--containerizer", "cgroups");
    port = await portOf(lab.agent);
    folder = mkdtempSync("/var/tmp/rimrock-requests-");
  });
  afterAll(async () => {
    await endMasters();
    await cleanUp();
    rmSync(folder, { recursive: true, force: true });
  });

  const sandboxOf = (name: string): string => join(lab.workDirectory, "containers", name);
  let count = 0;
  /** Beside all others: its output, once it has exited with 0. */
  async function outputOf(asked: Asked): Promise<string> {
    const name = `alone${count++}`;
    const answer = await callAgent(port, launch({ value: name }, { resources: little, ...asked }));
    expect([answer.status, answer.text]).toEqual([200, ""]);
    const { message } = await waitFor(port, { value: name });
    const [out, err] = ["stdout", "stderr"].map((file) =>
      readFileSync(join(sandboxOf(name), file), "utf8"),
    );
    expect([message?.wait_container, err]).toEqual([{ exit_status: 0 }, ""]);
    return present(out);
  }
  async function refusalOf(asked: Asked, id: mesos.ContainerID = { value: "no" }): Promise<string> {
    const { status, text } = await callAgent(port, launch(id, asked));
    expect([status, text]).toEqual([400, expect.any(String)]);
    return text;
  }

  test("finds its URIs fetched, extracted and executable in its sandbox", async () => {
    const file = join(folder, "script");
    writeFileSync(file, "#!/bin/sh\necho fetched\n");
    const uris = [{ value: file, executable: true }];
    expect(await outputOf({ command: { value: "./script", uris } })).toBe("fetched\n");
  });

  test("is not launched when a URI cannot be fetched; its name is free again", async () => {
    const id = { value: "again" };
    const uris = [{ value: "/no/such/file" }];
    const asked = { command: { value: "true", uris }, resources: little };
    const refused = await callAgent(port, launch(id, asked));
    expect(refused.status).toBe(500);
    expect(refused.text).toMatch(/not launched: Failed to fetch '\/no\/such\/file': /);
    expect((await waitFor(port, id)).status).toBe(404);
    const right = { ...asked, command: { value: "exit 4" } };
    expect((await callAgent(port, launch(id, right))).status).toBe(200);
    expect((await waitFor(port, id)).message?.wait_container?.exit_status).toBe(4 << 8);
  });

  test("gets the secrets of its command as values; a reference is refused", async () => {
    const secret = (more: object): mesos.CommandInfo => ({
      value: 'echo "$TOKEN"',
      environment: {
        variables: [{ name: "TOKEN", type: "SECRET", secret: { type: "VALUE", ...more } }],
      },
    });
    const data = Buffer.from("hush").toString("base64");
    // Over the wire bytes are base64.
    const value = { data } as unknown as { data: Uint8Array };
    expect(await outputOf({ command: secret({ value }) })).toBe("hush\n");
    const reference = { type: "REFERENCE", reference: { name: "s" } };
    expect(await refusalOf({ command: secret(reference) })).toContain("the secret of 'TOKEN'");
  });

  test("has the volumes, the host name, the rights and the limits that it asks for", async () => {
    writeFileSync(join(folder, "word"), "shared\n");
    const container: Partial<mesos.ContainerInfo> = {
      hostname: "alone",
      volumes: [{ mode: "RO", container_path: "/mnt", host_path: folder }],
      linux_info: {
        bounding_capabilities: { capabilities: ["KILL"] },
        ipc_mode: "PRIVATE",
        shm_size: 3,
      },
      rlimit_info: { rlimits: [{ type: "RLMT_NOFILE", soft: 77n, hard: 88n }] },
    };
    // Bigints are numbers on the wire.
    const wire = JSON.parse(
      JSON.stringify(container, (_, v) => (typeof v === "bigint" ? Number(v) : v)),
    );
    const value =
      "cat /mnt/word; hostname; grep CapBnd /proc/self/status; ulimit -Sn; ulimit -Hn; " +
      "df -k /dev/shm | tail -n 1 | awk '{ print $2 }'; touch /mnt/x 2>/dev/null || echo RO";
    expect((await outputOf({ command: { value }, container: wire })).split("\n")).toEqual([
      ...["shared", "alone", "CapBnd:\t0000000000000020", "77", "88", "3072", "RO", ""],
    ]);
  });

  test("is held to its memory; limits above it are its own", async () => {
    const value = "head -c 90000000 /dev/zero | tail -n 1 > /dev/null";
    const id = { value: "greedy" };
    await callAgent(port, launch(id, { command: { value }, resources: little }));
    expect((await waitFor(port, id)).message?.wait_container).toMatchObject({
      state: "TASK_FAILED",
      reason: "REASON_CONTAINER_LIMITATION_MEMORY",
    });
    await outputOf({ command: { value }, limits: { mem: { value: 256 } } });
  });

  test("that asks for what it cannot have is refused by name", async () => {
    const command = { value: "true" };
    const refused = async (container: Partial<mesos.ContainerInfo>, type?: string) =>
      refusalOf({
        command,
        resources: little,
        container: { ...container, ...(type && { type }) },
      } as Asked);
    expect(await refused({}, "DOCKER")).toContain("'container.type' is DOCKER");
    const image = { type: "APPC" } as const;
    expect(await refused({ mesos: { image } })).toContain("no images of type APPC");
    expect(await refused({ network_infos: [{}] })).toContain("leave 'container.network_infos' out");
    expect(await refused({ hostname: "no good" })).toContain("`hostname` 'no good'");
  });

  describe("beside a task's processes", () => {
    let task: mesos.ContainerID;
    beforeAll(async () => {
      lab.master.run("t1", "exec sleep 1000");
      await lab.master.state("t1", "TASK_RUNNING");
      task = await onlyContainer(port);
    });

    test("has its own URIs, rights and limits of processes", async () => {
      const file = join(folder, "data");
      writeFileSync(file, "fetched\n");
      const value = "cat data; grep CapBnd /proc/self/status; ulimit -n";
      const container = {
        linux_info: { bounding_capabilities: { capabilities: ["KILL"] } },
        rlimit_info: { rlimits: [{ type: "RLMT_NOFILE", soft: 77, hard: 77 }] },
      };
      const id = childOf(task, "c1");
      // Numbers on the wire are no bigints.
      const asked = { command: { value, uris: [{ value: file }] }, container } as unknown as Asked;
      expect((await callAgent(port, launch(id, asked))).text).toBe("");
      expect((await waitFor(port, id)).message?.wait_container).toEqual({ exit_status: 0 });
      const runs = `slaves/test-S0/frameworks/f1/executors/t1/runs/${task.value}`;
      const stdout = join(lab.workDirectory, runs, "containers/c1/stdout");
      expect(readFileSync(stdout, "utf8")).toBe("fetched\nCapBnd:\t0000000000000020\n77\n");
    });

    test.each<[string, Partial<Asked>]>([
      ["container.hostname", { container: { hostname: "x" } }],
      ["container.volumes", { container: { volumes: [{ ...mountOf("/mnt") }] } }],
      ["container.linux_info.ipc_mode", { container: { linux_info: { ipc_mode: "PRIVATE" } } }],
      ["resources", { resources: little }],
      ["limits", { limits: { cpus: { value: 1 } } }],
      [
        "container.linux_info.share_cgroups",
        { container: { linux_info: { share_cgroups: false } } },
      ],
    ])("shares what that has: %s is refused", async (what, more) => {
      const text = await refusalOf({ command: { value: "true" }, ...more }, childOf(task, "c2"));
      expect(text).toContain(`shares the limits, mounts and namespaces of`);
      expect(text).toContain(`leave '${what}' out`);
    });

    test("and of one that is killed, nothing is fetched any more", async () => {
      const { uri, held } = await silentServer();
      const id = childOf(task, "c3");
      const launching = callAgent(
        port,
        launch(id, { command: { value: "true", uris: [{ value: uri }] } }),
      );
      await until("it fetches", () => held.length > 0);
      const kill = { type: "KILL_CONTAINER", kill_container: { container_id: id } };
      expect((await callAgent(port, kill)).status).toBe(200);
      const { status, text } = await launching;
      expect([status, text]).toEqual([
        500,
        expect.stringContaining("it was killed while its URIs"),
      ]);
    });
  });

  describe.skipIf(docker.missing)(docker.title("with an image"), () => {
    let registry: ImageRegistry;
    let image: Partial<mesos.ContainerInfo>;
    beforeAll(async () => {
      registry = await startImageRegistry();
      const config = { Env: ["PATH=/bin", "FROM=image"], Cmd: ["/bin/echo", "of the image"] };
      registry.push("public/shell:1", { layers: [busyboxLayer()], config });
      const docker = { name: `${registry.host}/public/shell:1` };
      image = { mesos: { image: { type: "DOCKER", docker } } };
    });
    afterAll(() => registry.close());

    test("has its files, its variables and, where it says nothing, its command", async () => {
      const launched = async (id: mesos.ContainerID, asked: Partial<Asked>): Promise<string> => {
        const call = launch(id, { command: {}, container: image, ...asked });
        expect((await callAgent(port, call)).text).toBe("");
        const { message } = await waitFor(port, id);
        expect(message?.wait_container).toEqual({ exit_status: 0 });
        return readFileSync(join(sandboxOf(id.value), "stdout"), "utf8");
      };
      const value = "echo $FROM $MESOS_SANDBOX $(ls -d /usr 2>/dev/null)";
      const own = await launched({ value: "img1" }, { command: { value }, resources: little });
      expect(own).toBe("image /mnt/mesos/sandbox\n");
      expect(await launched({ value: "img2" }, { resources: little })).toBe("of the image\n");
    });

    test("is not launched when it cannot be had, nor waited for when it is killed", async () => {
      const docker = { name: `${registry.host}/public/missing:1` };
      const missing = { mesos: { image: { type: "DOCKER", docker } } } as const;
      const asked = { command: { value: "true" }, resources: little };
      const id = { value: "img3" };
      const text = await refusalOf({ ...asked, container: missing }, id);
      expect(text).toContain("has no such image");
      let isAsked = false;
      registry.intercept = () => {
        isAsked = true;
        return true;
      };
      const late = { name: `${registry.host}/public/late:1` };
      const slow = { mesos: { image: { type: "DOCKER", docker: late } } } as const;
      const launching = callAgent(port, launch(id, { ...asked, container: slow }));
      await until("it is asked for", () => isAsked);
      const kill = { type: "KILL_CONTAINER", kill_container: { container_id: id } };
      expect((await callAgent(port, kill)).status).toBe(200);
      expect((await launching).status).toBe(500);
      registry.intercept = undefined;
    });
  });

  test("in a group's executor has volumes of its own, and resources if it says so", async () => {
    const master = lab.master;
    master.runGroup("e1", { a: "exec sleep 1000" });
    await master.state("a", "TASK_RUNNING");
    const all = await containersOf(port);
    const nested = present(all.find(({ parent }) => parent !== undefined));
    const executor = present(nested.parent);
    const value = "echo yes > /mnt/x; head -c 90000000 /dev/zero | tail -n 1 > /dev/null";
    const command = { value };
    const volumes: mesos.Volume[] = [
      {
        mode: "RW",
        container_path: "/mnt",
        source: { type: "SANDBOX_PATH", sandbox_path: { type: "PARENT", path: "common" } },
      },
    ];
    const without = { command, container: { volumes }, resources: little };
    expect(await refusalOf(without, childOf(executor, "n1"))).toContain("share_cgroups' to false");
    const asked = { ...without, container: { volumes, linux_info: { share_cgroups: false } } };
    expect((await callAgent(port, launch(childOf(executor, "n1"), asked))).text).toBe("");
    const { message } = await waitFor(port, childOf(executor, "n1"));
    expect(message?.wait_container?.reason).toBe("REASON_CONTAINER_LIMITATION_MEMORY");
    const runs = `slaves/test-S0/frameworks/f1/executors/e1/runs/${executor.value}`;
    expect(readFileSync(join(lab.workDirectory, runs, "common/x"), "utf8")).toBe("yes\n");
  });
});

const mountOf = (container_path: string): mesos.Volume => ({
  ...{ mode: "RW", container_path, host_path: "/var" },
});

describe("of the process containerizer", () => {
  afterEach(async () => {
    await endMasters();
    await cleanUp();
  });

  test("what a container was fetched for when its agent was killed is told, and can be removed", async () => {
    const { uri, held } = await silentServer();
    const { agent, args } = await joined("--insecure-local");
    const id = { value: "torn" };
    const asked = { command: { value: "true", uris: [{ value: uri }] }, resources: little };
    callAgent(await portOf(agent), launch(id, asked)).catch(() => {});
    await until("it fetches", () => held.length > 0);
    agent.child.kill("SIGKILL");
    await agent.ended;
    const port = await portOf(await startAgent(args));
    const told = await until("it has recovered", async () => {
      const { status, message } = await waitFor(port, id);
      return status === 200 ? message?.wait_container : undefined;
    });
    expect(told).toMatchObject({ state: "TASK_FAILED" });
    const remove = { type: "REMOVE_CONTAINER", remove_container: { container_id: id } };
    expect((await callAgent(port, remove)).status).toBe(200);
    const again = { command: { value: "exit 3" }, resources: little };
    expect((await callAgent(port, launch(id, again))).status).toBe(200);
    expect((await waitFor(port, id)).message?.wait_container?.exit_status).toBe(3 << 8);
  });
});

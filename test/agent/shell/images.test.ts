/** Tasks of type MESOS with images, on a real agent: what their frameworks are told. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import {
  type ImageRegistry,
  PASSWORD,
  startImageRegistry,
  USER,
} from "../../support/image-registry.ts";
import { requirement } from "../../support/require.ts";
import { callAgent, childOf, onlyContainer, openStream } from "../api/ask.ts";
import { busyboxLayer } from "../containerizer/images/image-lab.ts";
import { endMasters, joined } from "./agent-lab.ts";
import { cleanUp, startAgent } from "./agent-process.ts";

const docker = requirement("docker");

describe.skipIf(docker.missing)(docker.title("a task of type MESOS with an image"), () => {
  let registry: ImageRegistry;
  let flags: readonly string[] = [];
  beforeAll(async () => {
    registry = await startImageRegistry();
    const layers = [busyboxLayer()];
    const config = { Env: ["PATH=/bin", "FROM=image"], Cmd: ["/bin/echo", "of the image"] };
    for (const name of ["public/shell:1", "private/shell:1"]) {
      registry.push(name, { layers, config });
    }
    const auth = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");
    const credentials = JSON.stringify({ auths: { [registry.host]: { auth } } });
    flags = ["--containerizer", "cgroups", "--docker-config", credentials];
  });
  afterEach(async () => {
    registry.intercept = undefined;
    await endMasters();
  });
  afterAll(async () => {
    await cleanUp();
    await registry.close();
  });

  function withImage(
    name: string,
    over: Partial<mesos.ContainerInfo> = {},
  ): Partial<mesos.TaskInfo> {
    const image = { type: "DOCKER", docker: { name: `${registry.host}/${name}` } } as const;
    return { container: { type: "MESOS", mesos: { image }, ...over } };
  }
  const sandboxOf = (workDirectory: string, executorId: string): string =>
    join(workDirectory, "slaves/test-S0/frameworks/f1/executors", executorId, "runs/latest");

  test("runs in it, with credentials of the agent's, its volumes and its checks", async () => {
    const { master, workDirectory } = await joined(...flags);
    const persistent: mesos.Resource = {
      ...{ name: "disk", type: "SCALAR", scalar: { value: 8 } },
      reservations: [{ type: "STATIC", role: "r" }],
      disk: { persistence: { id: "v" }, volume: { mode: "RW", container_path: "kept" } },
    };
    master.send({
      type: "APPLY_OPERATION",
      apply_operation: {
        ...{ operation_uuid: new Uint8Array(16), info: { type: "CREATE" } },
        resources: [persistent],
      },
    });
    const check: mesos.CheckInfo = {
      ...{ type: "COMMAND", delay_seconds: 0, interval_seconds: 0.2, timeout_seconds: 10 },
      command: { command: { value: "test -e /made && ! test -e /usr && exit 7" } },
    };
    const value =
      "echo $FROM $MESOS_SANDBOX $(ls -d /usr); echo data >kept/file; touch /made; " +
      "while ! test -e end; do sleep 0.05; done";
    master.run("t1", value, { ...withImage("private/shell:1"), check, resources: [persistent] });
    await master.until("the check is told", () =>
      master.updates.find(({ status }) => status.check_status?.command?.exit_code === 7),
    );
    const sandbox = sandboxOf(workDirectory, "t1");
    expect(readFileSync(join(sandbox, "stdout"), "utf8")).toBe("image /mnt/mesos/sandbox\n");
    const volume = join(workDirectory, "volumes/roles/r/v/file");
    expect(readFileSync(volume, "utf8")).toBe("data\n");
    expect(readFileSync(join(sandbox, "stderr"), "utf8")).toContain("Fetched the image");
  });

  test("runs what the image says when it says nothing, alone and in a group", async () => {
    const { master, workDirectory } = await joined(...flags);
    master.run("t1", "", { ...withImage("public/shell:1"), command: { shell: false } });
    await master.state("t1", "TASK_FINISHED");
    const stdout = join(sandboxOf(workDirectory, "t1"), "stdout");
    expect(readFileSync(stdout, "utf8")).toBe("of the image\n");
    const shared: mesos.Volume = {
      ...{ mode: "RW", container_path: "shared" },
      source: { type: "SANDBOX_PATH", sandbox_path: { type: "PARENT", path: "shared" } },
    };
    const commands = {
      a: "echo from a >shared/file",
      b: "while ! test -e shared/file; do sleep 0.05; done; cat shared/file",
    };
    master.runGroup("e1", commands, withImage("public/shell:1", { volumes: [shared] }));
    await master.state("b", "TASK_FINISHED");
    const out = join(sandboxOf(workDirectory, "e1"), "tasks/b/stdout");
    expect(readFileSync(out, "utf8")).toBe("from a\n");
  });

  test("outlives its agent; the next one enters it, and prunes what nobody uses", async () => {
    const before = await joined(...flags, "--insecure-local");
    const { master, agent, args, workDirectory } = before;
    master.run("t1", "echo up; exec sleep 1000", withImage("public/shell:1"));
    await master.state("t1", "TASK_RUNNING");
    agent.child.kill("SIGKILL");
    await agent.ended;
    const next = await startAgent(args);
    await master.until("the next agent registers", () => master.registrations[1]);
    const port = Number(/API at http:\/\/127\.0\.0\.1:(\d+)/.exec(next.log())?.[1]);
    const task = await onlyContainer(port);
    const session = await openStream(
      port,
      {
        type: "LAUNCH_NESTED_CONTAINER_SESSION",
        launch_nested_container_session: {
          container_id: childOf(task, "s1"),
          command: { value: "echo $FROM; cat /etc/group; exit 0" },
        },
      },
      { Accept: "application/recordio", "Message-Accept": "application/json" },
    );
    await session.ended;
    expect(session.out().toString("utf8")).toBe("image\napp:x:1235:\nextra:x:1300:app\n");
    const layers = join(workDirectory, "images/l");
    const prune = { type: "PRUNE_IMAGES" };
    expect((await callAgent(port, prune)).status).toBe(200);
    expect(readdirSync(layers)).toHaveLength(2);
    master.send({
      type: "SHUTDOWN_FRAMEWORK",
      shutdown_framework: { framework_id: { value: "f1" } },
    });
    await expect
      .poll(() => readdirSync(join(workDirectory, "images/containers")), { timeout: 10_000 })
      .toEqual([]);
    const image: mesos.Image = {
      ...{ type: "DOCKER", docker: { name: `${registry.host}/public/shell:1` } },
    };
    const sparing = { ...prune, prune_images: { excluded_images: [image] } };
    expect((await callAgent(port, sparing)).status).toBe(200);
    expect(readdirSync(layers)).toHaveLength(2);
    expect((await callAgent(port, prune)).status).toBe(200);
    expect(readdirSync(layers)).toEqual([]);
  });

  test("is ended while its image is on the way", async () => {
    const { master } = await joined(...flags);
    registry.asked.length = 0;
    registry.intercept = () => true;
    const run_number = master.run("t1", "true", withImage("public/slow:1"));
    await expect.poll(() => registry.asked.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const ids = { framework_id: { value: "f1" }, task_id: { value: "t1" } };
    master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number } });
    expect((await master.state("t1", "TASK_KILLED")).reason).toBe(
      "REASON_TASK_KILLED_DURING_LAUNCH",
    );
  });

  test("whose image is on the way when its agent ends gets it from the next one", async () => {
    const { master, agent, args } = await joined(...flags);
    registry.asked.length = 0;
    registry.intercept = () => true;
    master.run("t1", "exit 0", withImage("public/shell:1"));
    await expect.poll(() => registry.asked.length, { timeout: 10_000 }).toBeGreaterThan(0);
    agent.child.kill("SIGKILL");
    await agent.ended;
    registry.intercept = undefined;
    await startAgent(args);
    await master.state("t1", "TASK_FINISHED");
    expect(master.statesOf("t1")).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
  });

  test("fails by name where its image cannot be had", async () => {
    const { master, workDirectory } = await joined(...flags);
    master.run("t1", "true", withImage("public/missing:1"));
    const status = await master.state("t1", "TASK_FAILED");
    expect(status.reason).toBe("REASON_CONTAINER_LAUNCH_FAILED");
    expect(status.message).toContain("has no such image; see its name and tag");
    const stderr = readFileSync(join(sandboxOf(workDirectory, "t1"), "stderr"), "utf8");
    expect(stderr).toContain("has no such image");
    const appc = { type: "MESOS", mesos: { image: { type: "APPC" } } } as const;
    master.run("t2", "true", { container: appc });
    expect((await master.state("t2", "TASK_FAILED")).message).toContain("no images of type APPC");
    master.run("t3", "true", withImage("No Name"));
    expect((await master.state("t3", "TASK_FAILED")).message).toContain("is no image name");
  });

  test("is refused by name by an agent without isolation, or without images", async () => {
    const plain = await joined();
    plain.master.run("t1", "true", withImage("public/shell:1"));
    expect((await plain.master.state("t1", "TASK_FAILED")).message).toContain(
      "start the agent with --containerizer cgroups",
    );
    const none = await joined("--containerizer", "cgroups", "--image-providers", "none");
    none.master.run("t1", "true", withImage("public/shell:1"));
    expect((await none.master.state("t1", "TASK_FAILED")).message).toContain(
      "start it with --image-providers DOCKER",
    );
  });
});

/** What concerns Docker's daemon, its images and its networks: all of it on a daemon of our own. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  type Containerizer,
  type ContainerSpec,
  describeLaunchError,
} from "../../../agent/containerizer/containerizer.ts";
import { createBody } from "../../../agent/containerizer/docker/create-body.ts";
import { DOCKER_DEFAULTS } from "../../../agent/containerizer/docker/docker.ts";
import { DockerContainerizer } from "../../../agent/containerizer/docker/docker-containerizer.ts";
import {
  DockerRecords,
  type DockerStage,
  OWNER_FILE,
} from "../../../agent/containerizer/docker/records.ts";
import type { DockerSpec } from "../../../agent/containerizer/docker/spec.ts";
import { GpuPool } from "../../../agent/containerizer/gpu-pool.ts";
import { type DockerDaemon, startDockerDaemon } from "../../support/docker-daemon.ts";
import {
  type FakeRegistry,
  REGISTRY_PASSWORD,
  REGISTRY_USER,
  startFakeRegistry,
} from "../../support/fake-registry.ts";
import { requirement } from "../../support/require.ts";
import {
  dockerSpec,
  inLab,
  type Lab,
  output,
  run,
  specOf,
  start,
  until,
  within,
} from "./harness.ts";

const docker = requirement("docker");
const exits = (code: number) => ({ kind: "EXITED", code, waitStatus: code << 8 });

describe.skipIf(docker.missing)(docker.title("on a Docker daemon"), () => {
  let daemon: DockerDaemon;
  let registry: FakeRegistry;
  beforeAll(async () => {
    daemon = await startDockerDaemon();
    process.env.RIMROCK_TEST_DOCKER = daemon.socketPath;
    registry = await startFakeRegistry(daemon.files);
  }, 60_000);
  afterAll(async () => {
    await registry.close();
    await daemon.remove();
  }, 60_000);

  const inDocker = (check: (lab: Lab) => Promise<void>) => () => inLab("docker", check);
  const refusal = async (
    { containerizer }: { readonly containerizer: Containerizer },
    spec: ContainerSpec,
  ): Promise<string> => {
    const launched = await containerizer.launch(spec);
    assert.ok(!launched.ok, "the launch must be refused");
    return describeLaunchError(launched.error);
  };
  const begin = async (containerizer: Containerizer, spec: ContainerSpec): Promise<void> => {
    const launched = await containerizer.launch(spec);
    assert.ok(launched.ok, launched.ok ? "" : describeLaunchError(launched.error));
  };
  const dockerOf = (over: Partial<DockerSpec>) => ({ docker: dockerSpec(over) });
  const login = (user: string, password: string): string => {
    const auth = Buffer.from(`${user}:${password}`).toString("base64");
    return JSON.stringify({ auths: { [registry.host]: { auth } } });
  };

  test(
    "an image that is not here is pulled once, and its own command runs",
    inDocker(async (lab) => {
      const image = `${registry.host}/public/app:1`;
      const own = { shell: false as const, value: "", arguments: [] };
      const before = registry.asked.length;
      const ran = await Promise.all(
        [1, 2].map(() => run(lab, "", { ...dockerOf({ image }), command: own })),
      );
      assert.deepEqual(
        ran.map(({ stdout, stderr }) => [stdout, stderr]),
        [1, 2].map(() => ["its own\n", ""]),
      );
      const layers = registry.asked.slice(before).filter((path) => path.includes("/blobs/"));
      assert.equal(new Set(layers).size, layers.length, "no blob was asked for twice");
      const after = registry.asked.length;
      await run(lab, "true", dockerOf({ image }));
      assert.equal(registry.asked.length, after, "what is here is not asked for");
      await run(lab, "true", dockerOf({ image, forcePull: true }));
      assert.ok(registry.asked.length > after, "but it is when the task wants so");
      const byDigest = `${registry.host}/public/app@${registry.digest}`;
      assert.deepEqual(
        (await run(lab, "exit 3", dockerOf({ image: byDigest }))).termination,
        exits(3),
      );
    }),
  );

  test(
    "an image that cannot be had refuses the launch, and says what to do",
    inDocker(async (lab) => {
      const why = async (image: string): Promise<string> =>
        refusal(lab, specOf(lab, "true", dockerOf({ image })));
      assert.match(
        await why(`${registry.host}/absent/app:1`),
        /^Failed to pull the image '.*absent\/app:1': .*manifest unknown.*see the image's name and tag/,
      );
      assert.match(await why(`${registry.host}/private/app:1`), /--docker-config/);
      assert.match(await why(`${registry.host}/limited/app:1`), /the registry limits pulls/);
      assert.match(await why("127.0.0.1:1/no/registry"), /connection refused.*can be reached/);
      assert.match(await why("Not An Image"), /'Not An Image' is no image name/);
    }),
  );

  test(
    "credentials come from the operator, or in the task's own sandbox",
    inDocker(async (lab) => {
      const image = `${registry.host}/private/app:1`;
      const options = { ...DOCKER_DEFAULTS, socketPath: daemon.socketPath };
      const agentWith = (config: string) => {
        const runtimeDirectory = join(lab.directory, "other");
        return new DockerContainerizer(
          { ...lab.options, runtimeDirectory },
          { ...options, config },
        );
      };
      const wrong = agentWith(login(REGISTRY_USER, "wrong"));
      await wrong.recover([]);
      const spec = specOf(lab, "exit 4", dockerOf({ image }));
      assert.match(
        await refusal({ containerizer: wrong }, spec),
        /incorrect username|unauthorized/,
      );
      mkdirSync(join(spec.sandboxDirectory, ".docker"));
      const file = join(spec.sandboxDirectory, ".docker/config.json");
      writeFileSync(file, login(REGISTRY_USER, REGISTRY_PASSWORD));
      // The sandbox's own go first.
      await begin(wrong, spec);
      assert.deepEqual(await within(20_000, wrong.wait(spec.containerId)), exits(4));
      await wrong.remove(spec.containerId);
      await daemon.call("DELETE", `/images/${registry.host}/private/app:1?force=1`);
      const right = agentWith(login(REGISTRY_USER, REGISTRY_PASSWORD));
      const second = specOf(lab, "exit 5", dockerOf({ image }));
      await begin(right, second);
      assert.deepEqual(await within(20_000, right.wait(second.containerId)), exits(5));
      await right.remove(second.containerId);
    }),
  );

  test(
    "a pull ends when its task is killed, and when nothing arrives any more",
    inDocker(async (lab) => {
      const image = `${registry.host}/slow/app:1`;
      const spec = specOf(lab, "true", dockerOf({ image }));
      const launch = lab.containerizer.launch(spec);
      await until("the image is asked for", () =>
        registry.asked.some((path) => path.includes("/slow/app/manifests/")),
      );
      await within(5_000, lab.containerizer.destroy(spec.containerId));
      const cancelled = await within(5_000, launch);
      assert.deepEqual(cancelled, { ok: false, error: { code: "LAUNCH_CANCELLED" } });
      const socketPath = daemon.socketPath;
      const hasty = new DockerContainerizer(
        { ...lab.options, runtimeDirectory: join(lab.directory, "hasty") },
        { ...DOCKER_DEFAULTS, socketPath, pullStallMs: 300 },
      );
      await hasty.recover([]);
      const stalled = specOf(lab, "true", dockerOf({ image }));
      const why = await within(10_000, refusal({ containerizer: hasty }, stalled));
      assert.match(why, /nothing arrived for 0 s; see whether its registry can be reached/);
    }),
  );

  test(
    "what takes isolation away needs the operator's leave",
    inDocker(async (lab) => {
      const privileged = { privileged: true, privileges: ["`privileged`"] };
      const command = "mount -t tmpfs none /tmp";
      assert.match(
        await refusal(lab, specOf(lab, command, dockerOf(privileged))),
        /^`privileged` takes isolation away.*--docker-allow-privileged$/,
      );
      const { termination } = await run(lab, command);
      assert.notDeepEqual(termination, exits(0));
      const hostConfig = { CapAdd: ["SYS_ADMIN"] };
      const overrides = { config: {}, hostConfig, endpoint: {} };
      const adding = { privileges: ["the Docker parameter 'cap-add'"], overrides };
      const spec = specOf(lab, command, dockerOf(adding));
      assert.match(await refusal(lab, spec), /^the Docker parameter 'cap-add' takes/);
      const socketPath = daemon.socketPath;
      const allowing = new DockerContainerizer(
        { ...lab.options, runtimeDirectory: join(lab.directory, "allowing") },
        { ...DOCKER_DEFAULTS, socketPath, allowPrivileged: true },
      );
      await allowing.recover([]);
      await begin(allowing, spec);
      assert.deepEqual(await within(20_000, allowing.wait(spec.containerId)), exits(0));
      await allowing.remove(spec.containerId);
    }),
  );

  test(
    "volumes of the host, of the sandbox and of Docker are where they should be",
    inDocker(async (lab) => {
      const host = join(lab.directory, "host");
      mkdirSync(host);
      writeFileSync(join(host, "given"), "given\n");
      const volume = (source: DockerSpec["volumes"][number]["source"], containerPath: string) => ({
        ...{ source, containerPath, readOnly: containerPath === "/given" },
      });
      const volumes = [
        volume({ type: "HOST", path: host }, "/given"),
        volume({ type: "SANDBOX", path: "deep/er" }, "/shared"),
        volume({ type: "NAMED", name: `named-${process.pid}`, options: {} }, "/named"),
      ];
      const command =
        "cat /given/given; touch /given/no 2>&1; echo s >/shared/file; echo n >/named/file";
      const spec = await start(lab, command, dockerOf({ volumes }));
      await within(20_000, lab.containerizer.wait(spec.containerId));
      assert.match(output(spec, "stdout"), /^given\n.*Read-only file system\n$/);
      assert.equal(readFileSync(join(spec.sandboxDirectory, "deep/er/file"), "utf8"), "s\n");
      assert.equal((await run(lab, "cat /named/file", dockerOf({ volumes }))).stdout, "n\n");
      await lab.containerizer.remove(spec.containerId);
    }),
  );

  test(
    "a port is the container's on a bridge, and its own address is told",
    inDocker(async (lab) => {
      const port = await freePort();
      const bridge = {
        network: { mode: "bridge" as const },
        portMappings: [{ hostPort: port, containerPort: 80, protocol: "tcp" }],
        hostname: "inner",
      };
      const command =
        "hostname; echo up; mkdir -p /www; echo served >/www/index; httpd -f -p 80 -h /www";
      const spec = specOf(lab, command, dockerOf(bridge));
      const launched = await lab.containerizer.launch(spec);
      assert.ok(launched.ok, launched.ok ? "" : describeLaunchError(launched.error));
      const [address] = launched.value.ipAddresses ?? [];
      assert.match(address ?? "", /^172\.\d+\.\d+\.\d+$/);
      assert.equal(JSON.parse(String(launched.value.data))[0].Name, `/mesos-${spec.containerId}`);
      await until("it is up", () => output(spec, "stdout") === "inner\nup\n");
      assert.equal(await retried(() => fetch(`http://127.0.0.1:${port}/index`)), "served\n");
      const taken = specOf(lab, "true", dockerOf(bridge));
      assert.match(await refusal(lab, taken), /port is already allocated.*leave the port out/);
      await lab.containerizer.remove(spec.containerId);
    }),
  );

  test(
    "parameters become what the flags of docker run are",
    inDocker(async (lab) => {
      const config = { User: "nobody", WorkingDir: "/tmp", Env: ["MORE=1"] };
      const hostConfig = { Init: true, Ulimits: [{ Name: "nofile", Soft: 77, Hard: 77 }] };
      const overrides = { config, hostConfig, endpoint: {} };
      const ran = await run(lab, 'id -u; pwd; echo "$MORE"; ulimit -n', dockerOf({ overrides }));
      assert.equal(ran.stdout, "65534\n/tmp\n1\n77\n");
    }),
  );

  test(
    "a GPU is one container's, by its name, and free again when that one is not",
    inDocker(async (lab) => {
      const gpus = [
        { minor: 0, uuid: "GPU-a", files: [] },
        { minor: 1, files: [] },
      ];
      const pool = new GpuPool(lab.options.runtimeDirectory, gpus);
      const more = specOf(lab, "true", dockerOf({ gpus: 3 }));
      const options = { ...DOCKER_DEFAULTS, socketPath: daemon.socketPath };
      const agent = new DockerContainerizer({ ...lab.options, gpuPool: pool }, options);
      assert.match(await refusal({ containerizer: agent }, more), /3 GPUs.*2 of 2 are free/);
      const one = specOf(lab, "true", dockerOf({ gpus: 1 }));
      const why = await refusal({ containerizer: agent }, one);
      // This machine has no driver to give it one by: it was asked for all the same.
      assert.match(why, /could not select device driver "nvidia".*container toolkit/);
      assert.equal(pool.take(one.containerId, 2).ok, true, "a launch that failed has none");
      assert.match(await refusal({ containerizer: agent }, one), /1 GPUs.*0 of 2 are free/);
      const docker = dockerSpec({ gpus: 2 });
      const body = createBody(specOf(lab, ""), docker, { owner: "o", gpus });
      const request = { Driver: "nvidia", DeviceIDs: ["GPU-a", "1"], Capabilities: [["gpu"]] };
      // The body of a create call.
      const { DeviceRequests } = body.HostConfig as { DeviceRequests: unknown };
      assert.deepEqual(DeviceRequests, [request]);
    }),
  );

  test(
    "a container of somebody else is left alone, also with our name",
    inDocker(async (lab) => {
      const spec = specOf(lab, "true");
      const body = JSON.stringify({ Image: "rimrock-test:1", Cmd: ["sleep", "60"] });
      await daemon.call("POST", `/containers/create?name=mesos-${spec.containerId}`, body);
      assert.match(await refusal(lab, spec), /already in use.*somebody else made a container/);
      const other = { ...lab.options, runtimeDirectory: join(lab.directory, "other") };
      const socketPath = daemon.socketPath;
      const neighbour = new DockerContainerizer(other, { ...DOCKER_DEFAULTS, socketPath });
      await neighbour.recover([]);
      const theirs = specOf(lab, "sleep 60");
      await begin(neighbour, theirs);
      const again = new DockerContainerizer(lab.options, { ...DOCKER_DEFAULTS, socketPath });
      assert.deepEqual(await again.recover([]), { containers: [], orphans: [] });
      assert.ok((await neighbour.usage(theirs.containerId)).ok);
      await neighbour.remove(theirs.containerId);
      await daemon.call("DELETE", `/containers/mesos-${spec.containerId}?force=1`);
    }),
  );

  test(
    "an agent that died between any two calls is followed by one that knows how far it got",
    inDocker(async (lab) => {
      const { runtimeDirectory } = lab.options;
      const owner = readFileSync(join(runtimeDirectory, OWNER_FILE), "utf8").trim();
      /** What is there after the create call, with the record of that moment. */
      const left = async (state: "CREATING" | "STARTING") => {
        const spec = specOf(lab, "sleep 60");
        const docker = spec.docker ?? dockerSpec();
        const body = JSON.stringify(createBody(spec, docker, { owner, gpus: [] }));
        const path = `/containers/create?name=mesos-${spec.containerId}`;
        // The Engine's own answer.
        const { Id: dockerId } = (await daemon.call("POST", path, body)) as { Id: string };
        const stage = state === "CREATING" ? { state } : { state, dockerId };
        const { containerId, sandboxDirectory } = spec;
        const record = new DockerRecords(runtimeDirectory).write(containerId, {
          // One of the two shapes, by the state.
          stage: stage as DockerStage,
          sandboxDirectory,
        });
        assert.ok(record.ok);
        return { containerId, dockerId };
      };
      const created = await left("CREATING");
      const unstarted = await left("STARTING");
      const late = await left("STARTING");
      const started = await left("STARTING");
      await daemon.call("POST", `/containers/${started.dockerId}/start`);
      const next = new DockerContainerizer(lab.options, {
        ...DOCKER_DEFAULTS,
        socketPath: daemon.socketPath,
      });
      const known = [created, unstarted, late, started].map(({ containerId }) => ({ containerId }));
      const recovering = next.recover(known);
      // The dead agent's call was still on its way.
      await sleep(100);
      await daemon.call("POST", `/containers/${late.dockerId}/start`);
      const { containers, orphans } = await recovering;
      assert.deepEqual(orphans, []);
      assert.deepEqual(
        containers.map((each) => (each.state === "ENDED" ? each.termination.kind : each.state)),
        ["NOT_STARTED", "NOT_STARTED", "RUNNING", "RUNNING"],
      );
      for (const { containerId } of [created, unstarted]) await next.remove(containerId);
      // The Engine's own list.
      const all = (await daemon.call("GET", "/containers/json?all=1")) as { Id: string }[];
      const ids = all.map(({ Id }) => Id);
      assert.deepEqual(ids.toSorted(), [late.dockerId, started.dockerId].toSorted());
    }),
  );

  test(
    "all of many containers are found again, and each of them runs on",
    inDocker(async (lab) => {
      const count = 8;
      const specs = await Promise.all(Array.from({ length: count }, () => start(lab, "sleep 60")));
      const next = new DockerContainerizer(lab.options, {
        ...DOCKER_DEFAULTS,
        socketPath: daemon.socketPath,
      });
      const { containers, orphans } = await next.recover(
        specs.map(({ containerId }) => ({ containerId })),
      );
      await sleep(500);
      assert.deepEqual(orphans, []);
      assert.deepEqual(
        containers.map(({ state }) => state),
        specs.map(() => "RUNNING"),
      );
      for (const { containerId } of specs) assert.ok((await next.usage(containerId)).ok);
    }),
  );

  test(
    "a container that somebody removes is lost, and says so",
    inDocker(async (lab) => {
      const spec = await start(lab, "sleep 60");
      await daemon.call("DELETE", `/containers/mesos-${spec.containerId}?force=1`);
      const termination = await within(10_000, lab.containerizer.wait(spec.containerId));
      // Docker tells of the end before it forgets the container: either is true.
      assert.ok(["LOST", "EXITED"].includes(termination.kind), termination.kind);
    }),
  );

  test(
    "a daemon that is away refuses launches, and loses nothing of what ran",
    inDocker(async (lab) => {
      const count =
        "trap 'echo end; exit 6' TERM; i=0; while :; do echo line $i; i=$((i+1)); sleep 0.01; done";
      const spec = await start(lab, count);
      await until("it counts", () => output(spec, "stdout").includes("line 20\n"));
      await daemon.stop("SIGTERM");
      assert.match(
        await refusal(lab, specOf(lab, "true")),
        /^The Docker daemon at .* does not answer \((ECONNREFUSED|ENOENT)\); start it/,
      );
      await daemon.start();
      // It ended its containers, as it does without live-restore.
      const termination = await within(20_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, exits(6));
      const lines = output(spec, "stdout").trimEnd().split("\n");
      assert.equal(lines.pop(), "end");
      assert.deepEqual(
        lines,
        lines.map((_, index) => `line ${index}`),
      );
      assert.deepEqual((await run(lab, "exit 2")).termination, exits(2));
    }),
    60_000,
  );
});

describe.skipIf(docker.missing)(docker.title("on a daemon with live-restore"), () => {
  let daemon: DockerDaemon;
  beforeAll(async () => {
    daemon = await startDockerDaemon(["--live-restore"]);
  }, 60_000);
  afterAll(() => daemon.remove(), 60_000);

  test("a container outlives a daemon that is killed, with its output whole", async () => {
    process.env.RIMROCK_TEST_DOCKER = daemon.socketPath;
    await inLab("docker", async (lab) => {
      const count =
        "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; exit 7";
      const spec = await start(lab, count);
      await until("it counts", () => output(spec, "stdout").includes("line 20\n"));
      await daemon.stop("SIGKILL");
      await sleep(300);
      await daemon.start();
      const termination = await within(30_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, exits(7));
      const lines = Array.from({ length: 300 }, (_, index) => `line ${index}\n`).join("");
      assert.equal(output(spec, "stdout"), lines);
    });
  }, 60_000);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The program inside listens a moment after it has said that it is up. */
async function retried(ask: () => Promise<Response>): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return await (await ask()).text();
    } catch (cause) {
      if (tries > 50) throw cause;
      await sleep(50);
    }
  }
}

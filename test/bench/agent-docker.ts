/**
 * What an agent adds to the time that Docker itself takes to start a container: the same container
 * by a RUN_TASK and by two bare calls of the Engine, in turns, on a daemon of our own.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { FakeMaster } from "../agent/shell/fake-master.ts";
import { endEverything, newFolder, startAgent } from "../e2e/harness.ts";
import { type DockerDaemon, startDockerDaemon, TEST_IMAGE } from "../support/docker-daemon.ts";
import { requirement } from "../support/require.ts";
import type { Figure, Measured } from "./figure.ts";

const added: Figure = {
  name: "RUN_TASK received → process started (docker, image present), beyond Docker's own time",
  unit: "ms",
  budget: { atMost: 10 },
};
const engine: Figure = {
  name: "Docker's own time: two calls → process started",
  unit: "ms",
  budget: undefined,
};

const PAIRS = 25;
/** The first ones compile what is hot. */
const WARM_UP = 5;

export async function dockerStarts(): Promise<readonly Measured[]> {
  if (requirement("docker").missing) return [];
  const place = mkdtempSync("/var/tmp/rimrock-bench-");
  const pipe = join(place, "word");
  execFileSync("mkfifo", [pipe]);
  const daemon = await startDockerDaemon();
  const master = await new FakeMaster().start();
  try {
    const flags = ["--containerizers", "mesos,docker", "--docker-socket", daemon.socketPath];
    startAgent(master.url, join(newFolder(), "work"), flags);
    await master.until("the agent registers", () => master.registrations[0], 60_000);
    const samples = { added: [] as number[], engine: [] as number[] };
    for (let n = 0; n < PAIRS; n++) {
      const bareMs = await bare(daemon, { name: `bare-${n}`, place, pipe });
      const taskMs = await byTask(master, { name: `task-${n}`, place, pipe });
      if (n < WARM_UP) continue;
      samples.added.push(taskMs - bareMs);
      samples.engine.push(bareMs);
    }
    return [
      { figure: added, samples: samples.added },
      { figure: engine, samples: samples.engine },
    ];
  } finally {
    await endEverything();
    await master.stop();
    await daemon.remove();
    rmSync(place, { recursive: true });
  }
}

interface Start {
  readonly name: string;
  /** The folder of `pipe`, which the container opens as its first deed. */
  readonly place: string;
  readonly pipe: string;
}

async function byTask(master: FakeMaster, { name, place, pipe }: Start): Promise<number> {
  const volumes = [{ mode: "RW" as const, container_path: "/place", host_path: place }];
  const container = { type: "DOCKER" as const, docker: { image: TEST_IMAGE }, volumes };
  // Until the agent holds its poll again and has nothing else to do.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const startMs = performance.now();
  master.run(name, ": >/place/word", { container });
  await openedBy(pipe);
  const tookMs = performance.now() - startMs;
  await master.state(name, "TASK_FINISHED");
  return tookMs;
}

async function bare(daemon: DockerDaemon, { name, place, pipe }: Start): Promise<number> {
  const body = JSON.stringify({
    Image: TEST_IMAGE,
    Entrypoint: ["/bin/sh"],
    Cmd: ["-c", ": >/place/word"],
    HostConfig: { NetworkMode: "host", Binds: [`${place}:/place:rw`] },
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const startMs = performance.now();
  await daemon.call("POST", `/containers/create?name=${name}`, body);
  await daemon.call("POST", `/containers/${name}/start`);
  await openedBy(pipe);
  const tookMs = performance.now() - startMs;
  await daemon.call("POST", `/containers/${name}/wait`);
  await daemon.call("DELETE", `/containers/${name}?force=1`);
  return tookMs;
}

/** Opening a pipe waits for its writer, in another thread than this one. */
async function openedBy(pipe: string): Promise<void> {
  const file = await open(pipe, "r");
  await file.close();
}

import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Operator } from "../../worker/sdk/operator.ts";
import {
  endEverything,
  freePort,
  killAndAwaitRestart,
  newFolder,
  rimrock,
  runningProcesses,
  startCluster,
  startProcess,
  until,
} from "./harness.ts";

afterEach(endEverything);

const commandsIn = (folder: string): readonly string[] =>
  runningProcesses([folder]).map(({ pid, command }) => `${pid} ${command}`);

describe("what cannot start", () => {
  test("a second start on the same folder says whose it is, in one line", async () => {
    const first = await startCluster();
    const second = rimrock(["start", "--data", first.dataDir, "--port", "0"]);
    expect(await second.ended).toBe(1);
    expect([...second.out, ...second.err]).toEqual([
      expect.stringContaining(`${first.dataDir} (process ${first.pid})`),
    ]);
    expect((await fetch(`${first.url}/health`)).status).toBe(200);
  });

  test("a taken port gets one line that names it and says what to do", async () => {
    const squatter = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
    const refused = rimrock(["start", "--data", newFolder(), "--port", String(port)]);
    expect(await refused.ended).toBe(1);
    squatter.close();
    expect([...refused.out, ...refused.err]).toEqual([
      expect.stringMatching(new RegExp(`port ${port} .*taken.*--port`)),
    ]);
  });

  test("a port that no client would call is refused at once", async () => {
    const refused = rimrock(["start", "--data", newFolder(), "--port", "5060"]);
    expect(await refused.ended).toBe(1);
    expect(refused.err).toEqual([expect.stringMatching(/port 5060 .*fetch refuse.*--port/)]);
  });

  test("a folder that cannot be one gets one line that says what to do", async () => {
    // Root may write anywhere, but nobody can make a folder below a file.
    const file = join(newFolder(), "a-file");
    writeFileSync(file, "");
    const refused = rimrock(["start", "--data", join(file, "data"), "--port", "0"]);
    expect(await refused.ended).toBe(1);
    expect([...refused.out, ...refused.err]).toEqual([
      expect.stringMatching(/cannot write to .*a-file\/data.*--data/),
    ]);
  });

  test.each([
    ["", /--data names no folder/],
    ["/proc/nothing", /cannot write to \/proc\/nothing .*--data/],
  ])("--data '%s' is refused at once", async (data, words) => {
    const refused = rimrock(["start", "--data", data, "--port", "0"]);
    expect(await refused.ended).toBe(1);
    expect(refused.err).toEqual([expect.stringMatching(words)]);
  });

  test("a variable of the master that makes no sense is named in one line", async () => {
    const env = { RIMROCK_AGENT_PING_TIMEOUT: "soon" };
    const refused = rimrock(["start", "--data", newFolder(), "--port", "0"], { env });
    expect(await refused.ended).toBe(1);
    expect([...refused.out, ...refused.err]).toEqual([
      expect.stringContaining("RIMROCK_AGENT_PING_TIMEOUT is 'soon'"),
    ]);
  });

  test("an unknown containerizer is refused before anything starts", async () => {
    const refused = rimrock(["start", "--data", newFolder(), "--containerizer", "rkt"]);
    expect(await refused.ended).toBe(2);
    expect(refused.err.join("\n")).toMatch(/rkt.*process, cgroups/);
  });
});

describe("what dies", () => {
  test("each process is started again within a second, with one line, on the same port", async () => {
    const cluster = await startCluster({ agents: 2 });
    for (const name of ["control-plane", "front-door", "agent-1", "agent-2"]) {
      const before = cluster.err.length;
      expect(await killAndAwaitRestart(cluster, name)).toBeLessThan(1_000);
      const answer = await until(() => fetch(`${cluster.url}/health`).catch(() => undefined), {
        what: () => `${cluster.url} answers after ${name} was killed`,
      });
      expect(answer.status).toBe(200);
      expect(cluster.err.slice(before)).toEqual([`${name} ended (SIGKILL): starting it again`]);
    }
  });

  test("Ctrl-C ends everything within 2 s with exit code 0, and the next start goes on from there", async () => {
    const first = await startCluster({ agents: 2 });
    const port = Number(new URL(first.url).port);
    const agentsOf = async (master: string): Promise<readonly (string | undefined)[]> => {
      const { get_agents } = await new Operator({ master }).ask({ type: "GET_AGENTS" });
      return (get_agents?.agents ?? []).map(({ agent_info }) => agent_info.id?.value).sort();
    };
    const before = await agentsOf(first.url);
    expect(before.length).toBe(2);
    const askedMs = performance.now();
    process.kill(first.pid, "SIGINT");
    expect(await first.ended).toBe(0);
    expect(performance.now() - askedMs).toBeLessThan(2_000);
    expect(commandsIn(first.dataDir)).toEqual([]);
    const second = await startCluster({ agents: 2, dataDir: first.dataDir, port });
    expect(await agentsOf(second.url)).toEqual(before);
  });

  test("when the supervisor is killed, nothing is left after 2 s", async () => {
    const cluster = await startCluster({ agents: 2 });
    expect(commandsIn(cluster.dataDir).length).toBeGreaterThanOrEqual(4);
    process.kill(cluster.pid, "SIGKILL");
    await until(() => commandsIn(cluster.dataDir).length === 0, {
      what: () => `nothing runs: ${commandsIn(cluster.dataDir).join("\n")}`,
      withinMs: 2_000,
    });
  });

  test("a start right after the supervisor was killed waits for what is still ending", async () => {
    const cluster = await startCluster({ agents: 2 });
    const port = Number(new URL(cluster.url).port);
    process.kill(cluster.pid, "SIGKILL");
    const next = await startCluster({ agents: 2, dataDir: cluster.dataDir, port });
    expect((await fetch(`${next.url}/health`)).status).toBe(200);
    expect(next.err).toEqual([]);
  });

  test("a cluster started through npm ends when npm is told to", async () => {
    const dataDir = newFolder();
    const args = ["start", "--", "--data", dataDir, "--port", "0", "--agents", "1"];
    const npm = startProcess("npm", args);
    await until(() => npm.out.some((line) => line.includes("runs at")), {
      what: () => `npm start is up: ${[...npm.out, ...npm.err].join("\n")}`,
    });
    // To npm alone, not to its group: that is what a service manager does.
    npm.child.kill("SIGTERM");
    await npm.ended;
    await until(() => commandsIn(dataDir).length === 0, {
      what: () => `nothing runs: ${commandsIn(dataDir).join("\n")}`,
      withinMs: 2_000,
    });
  });
});

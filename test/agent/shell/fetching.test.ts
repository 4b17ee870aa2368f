import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, expect, onTestFinished, test } from "vitest";
import { endMasters, joined } from "./agent-lab.ts";
import { cleanUp, startAgent } from "./agent-process.ts";

/** Holds every request until it is let go. */
class SlowServer {
  readonly held: ServerResponse[] = [];
  readonly #server: Server = createServer((_request, response) => this.held.push(response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // `listen` on TCP gives an address with a port.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const servers: SlowServer[] = [];
afterEach(endMasters);
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});
afterAll(() => cleanUp());

async function slowServer(): Promise<{ server: SlowServer; url: string }> {
  const server = new SlowServer();
  servers.push(server);
  return { server, url: await server.start() };
}

const latest = (workDirectory: string, taskId: string) =>
  join(workDirectory, `slaves/test-S0/frameworks/f1/executors/${taskId}/runs/latest`);

test("a task finds what it asked for in its sandbox", async () => {
  const { master, workDirectory } = await joined();
  const file = `${workDirectory}.script`;
  writeFileSync(file, "#!/bin/sh\necho fetched; exit 6\n");
  onTestFinished(() => rmSync(file));
  const uris = [{ value: file, output_file: "script", executable: true }];
  master.run("t1", "", { command: { value: "./script", uris } });
  const status = await master.state("t1", "TASK_FAILED");
  expect(status.message).toBe("Command exited with status 6");
  expect(readFileSync(join(latest(workDirectory, "t1"), "stdout"), "utf8")).toBe("fetched\n");
  expect(master.statesOf("t1")).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]);
});

test("a fetch that fails names the URI and why, in the status and in the task's stderr", async () => {
  const { master, workDirectory } = await joined();
  master.run("t1", "", { command: { value: "true", uris: [{ value: "/no/such/file" }] } });
  const status = await master.state("t1", "TASK_FAILED");
  expect(status.reason).toBe("REASON_CONTAINER_LAUNCH_FAILED");
  expect(status.message).toMatch(
    /^Failed to launch container: Failed to fetch all URIs for container '[0-9a-f-]+': /,
  );
  expect(status.message).toMatch(/Failed to fetch '\/no\/such\/file': there is no such file/);
  const stderr = readFileSync(join(latest(workDirectory, "t1"), "stderr"), "utf8");
  expect(stderr).toMatch(/^Failed to fetch '\/no\/such\/file': .*\n$/);
  expect(master.statesOf("t1")).toEqual(["TASK_FAILED"]);
});

test("while one task is fetched for, others run; a kill ends the fetch", async () => {
  const { master, workDirectory } = await joined();
  const { server, url } = await slowServer();
  const run_number = master.run("t1", "", {
    command: { value: "true", uris: [{ value: `${url}/x` }] },
  });
  const request = await master.until("the fetch asks", () => server.held[0]);
  let isOpen = true;
  request.once("close", () => {
    isOpen = false;
  });
  master.run("t2", "true");
  await master.state("t2", "TASK_FINISHED");
  const ids = { framework_id: { value: "f1" }, task_id: { value: "t1" } };
  master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number } });
  const status = await master.state("t1", "TASK_KILLED");
  expect(status.reason).toBe("REASON_TASK_KILLED_DURING_LAUNCH");
  await master.until("the fetch ends", () => !isOpen || undefined);
  expect(master.statesOf("t1")).toEqual(["TASK_KILLED"]);
  expect(existsSync(join(latest(workDirectory, "t1"), "stdout"))).toBe(false);
});

test("an agent that is killed during a fetch does it again, and the task runs", async () => {
  const { master, agent, workDirectory, args } = await joined();
  const { server, url } = await slowServer();
  const uris = [{ value: `${url}/x` }];
  master.run("t1", "", { command: { value: "cat x", uris } });
  const first = await master.until("the fetch asks", () => server.held[0]);
  first.writeHead(200).write("half");
  agent.child.kill("SIGKILL");
  await agent.ended;
  await startAgent(args);
  const second = await master.until("the fetch asks again", () => server.held[1]);
  expect(master.registrations.at(-1)?.tasks).toMatchObject([{ task: { state: "TASK_STAGING" } }]);
  second.end("whole");
  await master.state("t1", "TASK_FINISHED");
  expect(readFileSync(join(latest(workDirectory, "t1"), "stdout"), "utf8")).toBe("whole");
});

/** The agent's own API over HTTP, of a real agent that joined a fake master. */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type * as agent from "../../../worker/protocol/v1/agent.ts";
import { decodeProtobuf, encodeProtobuf } from "../../../worker/protocol/wire/protobuf.ts";
import { endMasters, isAlive, joined, pidIn, plainArguments, waiting } from "../shell/agent-lab.ts";
import { type AgentProcess, cleanUp, startAgent } from "../shell/agent-process.ts";

afterEach(async () => {
  await endMasters();
  await cleanUp();
});

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** `path` as it goes over the wire: `fetch` would rewrite it, and chooses the Host itself. */
function ask(port: number, path: string, asked: Asked = {}): Promise<Answered> {
  const { method = "GET", headers = {}, body, agent: connections } = asked;
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method, headers, agent: connections };
    const sent = request(options, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(pieces),
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

// The tests know what they asked for.
// biome-ignore lint/suspicious/noExplicitAny: an answer's shape is what is being looked at
async function json(port: number, path: string): Promise<any> {
  const { status, body } = await ask(port, path);
  expect(status).toBe(200);
  return JSON.parse(body.toString());
}

// biome-ignore lint/suspicious/noExplicitAny: as above
async function call(port: number, message: agent.Call | object): Promise<any> {
  const headers = { "Content-Type": "application/json" };
  const { status, body } = await ask(port, "/api/v1", {
    method: "POST",
    headers,
    body: JSON.stringify(message),
  });
  return status === 200 ? JSON.parse(body.toString() || "{}") : { status, text: String(body) };
}

async function portOf(process: AgentProcess): Promise<number> {
  for (;;) {
    const port = /API at http:\/\/127\.0\.0\.1:(\d+)/.exec(process.log())?.[1];
    if (port !== undefined) return Number(port);
    await sleep(20);
  }
}

async function open(...more: string[]) {
  const lab = await joined("--insecure-local", ...more);
  const port = await portOf(lab.agent);
  await until(async () => (await ask(port, "/state")).status === 200);
  return { ...lab, port };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries > 200) throw new Error("it never came to be so");
    await sleep(25);
  }
}

describe("who may ask", () => {
  test("without the token nobody but a probe, with it everybody on the machine", async () => {
    const { agent: started, workDirectory } = await joined();
    const port = await portOf(started);
    const file = join(workDirectory, "api-token");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const token = readFileSync(file, "utf8").trim();
    await until(async () => {
      const headers = { Authorization: `Bearer ${token}` };
      return (await ask(port, "/state", { headers })).status === 200;
    });
    expect((await ask(port, "/health")).status).toBe(200);
    expect((await ask(port, "/version")).status).toBe(200);
    const refused = await ask(port, "/state");
    expect(refused.status).toBe(401);
    expect(refused.headers["www-authenticate"]).toMatch(/^Bearer /);
    expect(refused.body.toString()).toContain(file);
    for (const word of [
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Basic ${token}`,
      "Bearer ",
    ]) {
      const headers = { Authorization: word };
      expect((await ask(port, "/slave(1)/state", { headers })).status).toBe(401);
    }
    const post = { method: "POST", headers: { "Content-Type": "application/json" } };
    expect((await ask(port, "/api/v1", { ...post, body: '{"type":"GET_HEALTH"}' })).status).toBe(
      401,
    );
  });

  test("a name that is not the agent's, and a page of another site, are refused", async () => {
    const { port } = await open("--hostname", "rack1-07");
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await ask(port, "/state", { headers })).status;
    expect(await status({ Host: `evil.example:${port}` })).toBe(403);
    expect(await status({ Host: "127.0.0.1" })).toBe(403);
    expect(await status({ Host: `RACK1-07:${port}` })).toBe(200);
    expect(await status({ Host: `localhost:${port}` })).toBe(200);
    expect(await status({ "Sec-Fetch-Site": "cross-site" })).toBe(403);
    expect(await status({ "Sec-Fetch-Site": "same-site" })).toBe(403);
    expect(await status({ "Sec-Fetch-Site": "same-origin" })).toBe(200);
    expect(await status({ Origin: "http://evil.example" })).toBe(403);
    expect(await status({ Origin: `http://localhost:${port + 1}` })).toBe(403);
    expect(await status({ Origin: "null" })).toBe(403);
    expect(await status({ Origin: `http://localhost:${port}` })).toBe(200);
  });
});

describe("HTTP", () => {
  test("paths are found by their longest beginning, below the actor's name too", async () => {
    const { port } = await open();
    for (const path of [
      "/flags",
      "/flags/",
      "/flags/more",
      "/slave(1)/flags",
      "/slave%281%29/flags",
    ]) {
      expect(Object.keys((await json(port, path)).flags)).toContain("work_dir");
    }
    for (const path of [
      "/",
      "/nosuch",
      "/flagsmore",
      "/slave(1)/version",
      "/slave(2)/flags",
      "/%",
      "/flags/..",
    ]) {
      expect((await ask(port, path)).status).toBe(404);
    }
    const health = await ask(port, "/slave(1)/health");
    expect(health).toMatchObject({ status: 200, headers: { "content-length": "0" } });
    expect(health.headers["content-type"]).toBeUndefined();
    expect((await ask(port, "/health", { method: "HEAD" })).status).toBe(200);
  });

  test("a document may be a callback's argument, and a long one is gzipped for who takes it", async () => {
    const { port } = await open();
    const wrapped = await ask(port, "/version?jsonp=app.cb");
    expect(wrapped.headers["content-type"]).toBe("text/javascript");
    expect(wrapped.body.toString()).toMatch(/^app\.cb\(\{.*\}\)$/);
    expect((await ask(port, "/version?jsonp=alert(1)")).status).toBe(400);
    const gzip = { headers: { "Accept-Encoding": "gzip" } };
    expect((await ask(port, "/state", gzip)).headers["content-encoding"]).toBe("gzip");
    expect((await ask(port, "/version", gzip)).headers["content-encoding"]).toBeUndefined();
  });

  test("an idle connection stays open", async () => {
    const { port } = await open();
    const connections = new Agent({ keepAlive: true, maxSockets: 1 });
    let sockets = 0;
    const counting = connections.createConnection.bind(connections);
    connections.createConnection = (...args) => {
      sockets++;
      return counting(...args);
    };
    await ask(port, "/health", { agent: connections });
    await sleep(7_000);
    await ask(port, "/health", { agent: connections });
    connections.destroy();
    expect(sockets).toBe(1);
  });

  test("calls are refused as Mesos refuses them", async () => {
    const { port } = await open();
    const post = async (headers: Record<string, string>, body: string | Uint8Array) =>
      await ask(port, "/api/v1", { method: "POST", headers, body });
    const type = { "Content-Type": "application/json" };
    const get = await ask(port, "/api/v1");
    expect(get).toMatchObject({ status: 405, headers: { allow: "POST" } });
    expect((await post({}, "{}")).status).toBe(400);
    expect((await post({ "Content-Type": "text/plain" }, "{}")).status).toBe(415);
    expect((await post(type, "{")).status).toBe(400);
    expect((await post(type, '{"type":"NO_SUCH"}')).body.toString()).toMatch(
      /^Failed to validate agent::Call: .*type/,
    );
    expect((await post({ ...type, Accept: "text/html" }, '{"type":"GET_HEALTH"}')).status).toBe(
      406,
    );
    const health = '{"type":"GET_HEALTH"}';
    const json = "application/json";
    const records = { "Content-Type": "application/recordio" };
    expect((await post({ ...type, Accept: "application/recordio" }, health)).status).toBe(406);
    expect((await post({ ...type, "Message-Accept": json }, health)).status).toBe(406);
    expect((await post({ ...type, "Message-Content-Type": json }, health)).status).toBe(415);
    expect((await post(records, "")).status).toBe(400);
    expect((await post({ ...records, "Message-Content-Type": "text/plain" }, "")).status).toBe(415);
    expect((await post({ ...records, "Message-Content-Type": json }, "")).status).toBe(400);
    expect(await call(port, { type: "GET_METRICS" })).toMatchObject({ status: 400 });
    expect(await call(port, { type: "PRUNE_IMAGES", prune_images: {} })).toEqual({});
    expect(await call(port, { type: "MARK_RESOURCE_PROVIDER_GONE" })).toEqual({
      status: 501,
      text: expect.stringContaining("MARK_RESOURCE_PROVIDER_GONE"),
    });
    expect((await post(type, `{"type":"${"x".repeat(9 * 1024 * 1024)}"}`)).status).toBe(413);
    expect((await ask(port, "/api/v1/executor", { method: "POST" })).status).toBe(400);
  });

  test("a call in protobuf is answered in protobuf", async () => {
    const { port } = await open();
    const type = "application/x-protobuf";
    const { headers, body } = await ask(port, "/api/v1", {
      method: "POST",
      headers: { "Content-Type": type, Accept: type },
      body: encodeProtobuf("mesos.v1.agent.Call", { type: "GET_AGENT" }),
    });
    expect(headers["content-type"]).toBe(type);
    const decoded = decodeProtobuf("mesos.v1.agent.Response", body);
    expect(decoded.ok && decoded.value.get_agent?.agent_info?.port).toBe(port);
  });
});

describe("what it tells", () => {
  test("a running task, its container and what it uses", async () => {
    const { master, port, workDirectory } = await open();
    const file = join(workDirectory, "pid");
    master.run("t1", waiting(file));
    const pid = await pidIn(master, file);
    expect(isAlive(pid)).toBe(true);
    await master.state("t1", "TASK_RUNNING");
    const state = await json(port, "/state");
    const [executor] = state.frameworks[0].executors;
    expect(executor).toMatchObject({
      id: "t1",
      source: "t1",
      queued_tasks: [],
      completed_tasks: [],
    });
    expect(executor.directory).toContain(`/executors/t1/runs/${executor.container}`);
    expect(executor.tasks[0].statuses.map((each: { state: string }) => each.state)).toEqual([
      "TASK_STARTING",
      "TASK_RUNNING",
    ]);
    expect(state.completed_frameworks).toEqual([]);
    const [container] = await json(port, "/containers");
    expect(container).toMatchObject({ executor_id: "t1", container_id: executor.container });
    expect(container.statistics.timestamp).toBeGreaterThan(0);
    expect(await json(port, "/containers?framework_id=other")).toEqual([]);
    expect(await json(port, `/containers?container_id=${executor.container}`)).toHaveLength(1);
    expect((await ask(port, "/containers?executor_id=t1")).status).toBe(400);
    expect((await json(port, "/monitor/statistics"))[0].statistics).toEqual(expect.any(Object));
    const { get_containers } = await call(port, { type: "GET_CONTAINERS" });
    expect(get_containers.containers[0].container_id.value).toBe(executor.container);
    expect((await json(port, "/metrics/snapshot"))["slave/tasks_running"]).toBe(1);
  });

  test("a task that is over, also after the agent was killed", async () => {
    const { master, agent: first, args, port } = await open();
    master.run("t1", "exit 3");
    master.run("t2", "true");
    await master.state("t1", "TASK_FAILED");
    await master.state("t2", "TASK_FINISHED");
    const completed = async (at: number): Promise<string[]> => {
      const { get_tasks } = await call(at, { type: "GET_TASKS" });
      return (get_tasks?.completed_tasks ?? []).map(
        (task: { state: string; statuses: object[] }) => `${task.state} ${task.statuses.length}`,
      );
    };
    await until(async () => (await completed(port)).length === 2);
    first.child.kill("SIGKILL");
    await first.ended;
    const again = await portOf(await startAgent(args));
    await until(async () => (await ask(again, "/state")).status === 200);
    expect((await completed(again)).sort()).toEqual(["TASK_FAILED 3", "TASK_FINISHED 3"]);
    const state = await json(again, "/state");
    expect(state.frameworks).toEqual([]);
    const ids = state.completed_frameworks[0].completed_executors.map(
      (executor: { id: string }) => executor.id,
    );
    expect(ids.sort()).toEqual(["t1", "t2"]);
  });

  test("the tasks of a group are one executor's, their containers nested in its", async () => {
    const { master, port } = await open();
    master.runGroup("e1", { a: "sleep 1000", b: "sleep 1000" });
    await master.state("a", "TASK_RUNNING");
    await master.state("b", "TASK_RUNNING");
    const [executor, ...others] = (await json(port, "/state")).frameworks[0].executors;
    expect(others).toEqual([]);
    expect(executor).toMatchObject({ id: "e1", type: "DEFAULT" });
    expect(executor.tasks.map((task: { id: string }) => task.id).sort()).toEqual(["a", "b"]);
    const plain = await call(port, { type: "GET_CONTAINERS" });
    expect(plain.get_containers.containers).toHaveLength(1);
    const get_containers = { show_nested: true };
    const nested = await call(port, { type: "GET_CONTAINERS", get_containers });
    const parents = nested.get_containers.containers.map(
      (container: { container_id: { parent?: { value: string } } }) =>
        container.container_id.parent?.value,
    );
    expect(parents).toEqual([undefined, executor.container, executor.container]);
  });

  test("files of a sandbox, byte by byte, and none of anywhere else", async () => {
    const { master, port, workDirectory } = await open();
    const outside = join(workDirectory, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "secret");
    master.run("t1", String.raw`printf 'a\377\000"b' > raw; mkdir sub; echo hi; exec sleep 1000`);
    await master.state("t1", "TASK_RUNNING");
    const [{ directory }] = (await json(port, "/state")).frameworks[0].executors;
    await until(
      async () => (await ask(port, `/files/browse?path=${directory}/sub`)).status === 200,
    );
    symlinkSync(outside, join(directory, "link"));
    const files = await json(port, `/files/browse?path=${directory}`);
    expect(files.map((file: { path: string }) => file.path.slice(directory.length + 1))).toEqual([
      "link",
      "raw",
      "stderr",
      "stdout",
      "sub",
    ]);
    expect(files[4].mode).toMatch(/^drwx/);
    const raw = `path=${directory}/raw`;
    const read = await ask(port, `/files/read?${raw}&offset=0`);
    const expected = Buffer.from('{"data":"a\u00ff\\u0000\\"b","offset":0}', "latin1");
    expect(read.body).toEqual(expected);
    expect(await json(port, `/files/read?${raw}`)).toEqual({ data: "", offset: 5 });
    expect(await json(port, `/files/read?${raw}&offset=4&length=9`)).toEqual({
      data: "b",
      offset: 4,
    });
    expect(await json(port, `/files/read?${raw}&offset=99`)).toEqual({ data: "", offset: 99 });
    for (const bad of ["offset=-2", "offset=x", "offset=0&length=-2"]) {
      expect((await ask(port, `/files/read?${raw}&${bad}`)).status).toBe(400);
    }
    const whole = await ask(port, `/files/download?${raw}`);
    expect(whole.body).toEqual(Buffer.from('a\u00ff\0"b', "latin1"));
    expect(whole.headers["content-disposition"]).toBe("attachment; filename=raw");
    const folder = await ask(port, `/files/download?path=${directory}/sub`);
    expect([folder.status, folder.body.toString()]).toEqual([
      400,
      "Cannot download a directory.\n",
    ]);
    for (const path of [
      `${directory}/link/secret`,
      `${directory}/../../../../secret`,
      `${workDirectory}/api-token`,
      "/etc/passwd",
    ]) {
      for (const what of ["read", "browse", "download"]) {
        expect((await ask(port, `/files/${what}?path=${path}`)).status).toBe(404);
      }
    }
    expect((await ask(port, "/files/read")).status).toBe(400);
  });

  test("how much is logged, for as long as it is asked for", async () => {
    const { agent: started, port } = await open();
    const set = async (level: number, nanoseconds: number) =>
      await call(port, {
        type: "SET_LOGGING_LEVEL",
        set_logging_level: { level, duration: { nanoseconds } },
      });
    const level = async () =>
      (await call(port, { type: "GET_LOGGING_LEVEL" })).get_logging_level.level;
    expect(await level()).toBe(0);
    await set(2, 60e9);
    expect(await level()).toBe(2);
    await ask(port, "/flags?jsonp=x");
    expect(started.log()).toContain("GET /flags\n");
    const toggle = async (query: string) => await ask(port, `/logging/toggle${query}`);
    expect((await toggle("")).body.toString()).toBe("2\n");
    expect((await toggle("?level=3")).status).toBe(400);
    expect((await toggle("?level=-1&duration=1secs")).status).toBe(400);
    expect((await toggle("?level=3&duration=long")).status).toBe(400);
    expect(await level()).toBe(2);
    expect((await toggle("?level=3&duration=1mins")).status).toBe(200);
    expect(await level()).toBe(3);
    await set(1, 1);
    await until(async () => (await level()) === 0);
  });
});

test("two agents of one machine have a port each, and one that is asked for is had or refused", async () => {
  const one = await open();
  const two = await open();
  expect(one.port).not.toBe(two.port);
  expect(one.master.registrations[0]?.agent_info.port).toBe(one.port);
  const work = join(two.workDirectory, "other");
  const third = await startAgent([
    ...plainArguments(one.master.url, work),
    ...["--port", String(one.port)],
  ]);
  expect((await third.ended)[0]).toBe(1);
  expect(third.log()).toMatch(/the API cannot listen at 127\.0\.0\.1:\d+: EADDRINUSE; see --port/);
});

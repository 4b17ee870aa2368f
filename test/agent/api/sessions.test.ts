/** LAUNCH_NESTED_CONTAINER_SESSION and the two ATTACH calls, of a real agent over HTTP. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, test as vitestTest } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { encodeRecord } from "../../../worker/protocol/wire/record-io.ts";
import { type Requirement, requirement } from "../../support/require.ts";
import { endMasters, joined } from "../shell/agent-lab.ts";
import { cleanUp, startAgent } from "../shell/agent-process.ts";
import {
  attachInput,
  callAgent,
  childOf,
  newMark,
  onlyContainer,
  openStream,
  processesWith,
  until,
} from "./ask.ts";

afterEach(async () => {
  await endMasters();
  await cleanUp();
});

/** An agent with one running task. */
async function withTask(command = "exec sleep 1000", ...more: string[]) {
  const lab = await joined("--insecure-local", ...more);
  const port = await until("it listens", () => {
    const found = /API at http:\/\/127\.0\.0\.1:(\d+)/.exec(lab.agent.log())?.[1];
    return found === undefined ? undefined : Number(found);
  });
  lab.master.run("t1", command);
  await lab.master.state("t1", "TASK_RUNNING");
  return { ...lab, port, task: await onlyContainer(port) };
}

const shell = (value: string): mesos.CommandInfo => ({ value });

function session(
  container_id: mesos.ContainerID,
  command: mesos.CommandInfo,
  container?: mesos.ContainerInfo,
) {
  return {
    type: "LAUNCH_NESTED_CONTAINER_SESSION",
    launch_nested_container_session: { container_id, command, container },
  };
}

const records = { Accept: "application/recordio", "Message-Accept": "application/json" };
const terminal = (rows: number, columns: number): mesos.ContainerInfo => ({
  type: "MESOS",
  tty_info: { window_size: { rows, columns } },
});

async function waitFor(port: number, container_id: mesos.ContainerID) {
  const call = { type: "WAIT_CONTAINER", wait_container: { container_id } };
  return await callAgent(port, call);
}

const none: Requirement = { missing: false, title: (text) => text };
const kinds = { process: none, cgroups: requirement("cgroups") };

describe.each(Object.entries(kinds))("a session beside a task of %s", (kind, need) => {
  const test = vitestTest.skipIf(need.missing);
  const started = (): ReturnType<typeof withTask> =>
    withTask("exec sleep 1000", "--containerizer", kind);

  test("tells what its command writes, then how it ended", async () => {
    const { port, task } = await started();
    const id = childOf(task, "s1");
    const stream = await openStream(
      port,
      session(id, shell("echo out; echo err >&2; exit 7")),
      records,
    );
    expect(stream.status).toBe(200);
    expect(stream.headers["content-type"]).toBe("application/recordio");
    expect(stream.headers["message-content-type"]).toBe("application/json");
    await stream.ended;
    expect([stream.out().toString(), stream.err().toString()]).toEqual(["out\n", "err\n"]);
    const waited = await waitFor(port, id);
    expect(waited.message?.wait_container).toEqual({ exit_status: 7 << 8 });
  });

  test("runs in its task's sandbox, with its task's environment and its own", async () => {
    const { port, task } = await started();
    const command = {
      value: 'pwd; echo "$MESOS_SANDBOX $MESOS_FRAMEWORK_ID $MINE"; cat',
      environment: { variables: [{ name: "MINE", value: "yes" }] },
    };
    const stream = await openStream(port, session(childOf(task, "s"), command), records);
    const input = attachInput(port, childOf(task, "s"));
    input.type("typed");
    input.send({ type: "DATA", data: { type: "STDIN", data: new Uint8Array() } });
    input.end();
    await stream.ended;
    const [sandbox = "", second] = stream.out().toString().split("\n");
    expect(sandbox).toContain(`/runs/${task.value}`);
    expect(second).toBe(`${sandbox} f1 yes`);
    expect(stream.out().toString()).toMatch(/\ntyped$/);
    expect(await input.answer).toEqual({ status: 200, text: "" });
    expect(readdirSync(sandbox)).not.toContain("containers");
  });

  test("dies with its connection, whatever its command has started", async () => {
    const { port, task } = await started();
    const mark = newMark();
    const script = `sleep 1000 & setsid sh -c ": ${mark}; sleep 1001" & trap "" HUP TERM; wait`;
    const stream = await openStream(
      port,
      session(childOf(task, "s"), shell(`: ${mark}; ${script}`)),
      records,
    );
    await until("all of it runs", () => processesWith(mark).length > 1);
    stream.hangUp();
    await until("all of it is gone", () => processesWith(mark).length === 0);
    expect((await waitFor(port, childOf(task, "s"))).message?.wait_container?.exit_status).toBe(9);
  });

  test("dies with its task", async () => {
    const { master, port, task } = await started();
    const stream = await openStream(
      port,
      session(childOf(task, "s"), shell("sleep 1000")),
      records,
    );
    master.send({
      type: "KILL_TASK",
      kill_task: {
        framework_id: { value: "f1" },
        task_id: { value: "t1" },
        run_number: 1n,
      },
    });
    await stream.ended;
  });

  test("dies with the agent, and the next agent leaves nothing of it", async () => {
    const { agent, port, task, args } = await started();
    const mark = newMark();
    const command = `: ${mark}; trap "" HUP PIPE; while :; do sleep 0.1; done`;
    await openStream(port, session(childOf(task, "s"), shell(command)), records);
    await until("it runs", () => processesWith(mark).length > 0);
    agent.child.kill("SIGKILL");
    await agent.ended;
    await startAgent(args);
    await until("it is gone", () => processesWith(mark).length === 0);
  });

  test("has a terminal of the size that was asked for, and of each new one", async () => {
    const { port, task } = await started();
    const id = childOf(task, "s");
    const command = shell("trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done");
    const stream = await openStream(port, session(id, command, terminal(33, 101)), records);
    await until("it tells its size", () => stream.out().includes("33 101"));
    const input = attachInput(port, id);
    const window_size = { rows: 12, columns: 34 };
    input.send({ type: "CONTROL", control: { type: "HEARTBEAT", heartbeat: {} } });
    input.send({ type: "CONTROL", control: { type: "TTY_INFO", tty_info: { window_size } } });
    await until("it tells the new one", () => stream.out().includes("12 34"));
    input.type("\x03");
    await stream.ended;
    expect((await waitFor(port, id)).message?.wait_container?.exit_status).toBe(130 << 8);
  });

  test("passes ten megabytes of any bytes both ways", async () => {
    const { port, task } = await started();
    const id = childOf(task, "s");
    const stream = await openStream(port, session(id, shell("exec cat")), records);
    const input = attachInput(port, id);
    const sent = Buffer.alloc(10_000_000, Buffer.from(Array.from({ length: 251 }, (_, at) => at)));
    for (let at = 0; at < sent.length; at += 100_000) {
      const data = sent.subarray(at, at + 100_000);
      input.send({ type: "DATA", data: { type: "STDIN", data } });
    }
    input.send({ type: "DATA", data: { type: "STDIN", data: new Uint8Array() } });
    input.end();
    await stream.ended;
    expect(stream.out().equals(sent)).toBe(true);
  });

  test("of a client that stops reading waits, and costs the agent no memory", async () => {
    const { agent, port, task } = await started();
    const memory = (): number => {
      const status = readFileSync(`/proc/${agent.child.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
    };
    const before = memory();
    const stream = await openStream(
      port,
      session(childOf(task, "s"), shell("exec cat /dev/zero")),
      records,
    );
    stream.pause();
    await sleep(1_500);
    expect(memory() - before).toBeLessThan(60);
    stream.hangUp();
  });
});

describe("refused", () => {
  test("what no session can be", async () => {
    const { port, task } = await withTask();
    const ask = async (call: object, headers = records) => {
      const { status, text } = await callAgent(port, call, headers);
      return [status, text] as const;
    };
    const id = childOf(task, "s");
    expect(await ask(session({ value: "alone" }, shell("true")))).toEqual([
      400,
      expect.stringContaining("container_id.parent"),
    ]);
    const stranger = { value: "nobody" };
    expect((await ask(session(childOf(stranger, "s"), shell("true"))))[0]).toBe(400);
    for (const value of ["a.b", "a b", "a/b", "..", "", "x".repeat(243)]) {
      expect((await ask(session(childOf(task, value), shell("true"))))[0]).toBe(400);
    }
    const docker = { type: "DOCKER" } as const;
    expect((await ask(session(id, shell("true"), docker)))[0]).toBe(400);
    const uris = { ...shell("true"), uris: [{ value: "http://127.0.0.1/x" }] };
    expect((await ask(session(id, uris)))[1]).toContain("uris");
    const stranger2 = { ...shell("true"), user: "no-such-user" };
    expect((await ask(session(id, stranger2)))[1]).toContain("no-such-user");
    expect((await ask({ type: "LAUNCH_NESTED_CONTAINER_SESSION" }))[0]).toBe(400);
    expect((await ask({ type: "GET_HEALTH" }))[0]).toBe(406);
    const other = { ...records, "Message-Accept": "text/html" };
    expect((await ask(session(id, shell("true")), other))[0]).toBe(406);
  });

  test("an input that is no stream of records of one container", async () => {
    const { port, task } = await withTask();
    const id = childOf(task, "s");
    await openStream(port, session(id, shell("sleep 1000")), records);
    const plain = { type: "ATTACH_CONTAINER_INPUT", attach_container_input: {} };
    expect((await callAgent(port, plain)).status).toBe(415);
    const answered = async (bytes: string) => {
      const input = attachInput(port, undefined);
      input.sendRaw(Buffer.from(bytes));
      input.end();
      return (await input.answer).status;
    };
    const record = (call: object): string =>
      Buffer.from(encodeRecord(Buffer.from(JSON.stringify(call)))).toString();
    expect(await answered("")).toBe(400);
    expect(await answered("x")).toBe(400);
    expect(await answered("5\n{")).toBe(400);
    expect(await answered("99999999999\n")).toBe(400);
    expect(await answered(record({ type: "GET_HEALTH" }))).toBe(415);
    const io = { type: "PROCESS_IO", process_io: { type: "DATA" } };
    expect(
      await answered(record({ type: "ATTACH_CONTAINER_INPUT", attach_container_input: io })),
    ).toBe(400);
    for (const [container, status] of [
      [childOf(task, "other"), 404],
      [{ value: "s" }, 404],
      [task, 500],
    ] as const) {
      const input = attachInput(port, container);
      input.end();
      expect((await input.answer).status).toBe(status);
    }
  });

  test("a second client at the input, until the first has left", async () => {
    const { port, task } = await withTask();
    const id = childOf(task, "s");
    const stream = await openStream(port, session(id, shell("exec cat")), records);
    const first = attachInput(port, id);
    first.type("1");
    await until("it types", () => stream.out().toString() === "1");
    const second = attachInput(port, id);
    expect((await second.answer).status).toBe(409);
    first.hangUp();
    await until("the input is free", async () => {
      const probe = attachInput(port, id);
      probe.end();
      return (await probe.answer).status === 200;
    });
    const third = attachInput(port, id);
    third.type("2");
    await until("it types", () => stream.out().toString() === "12");
    const window_size = { rows: 1, columns: 1 };
    third.send({ type: "CONTROL", control: { type: "TTY_INFO", tty_info: { window_size } } });
    expect((await third.answer).status).toBe(400);
  });
});

describe("attached to the output", () => {
  test("every client gets what is written from then on, until the end", async () => {
    const { port, task } = await withTask();
    const id = childOf(task, "s");
    const stream = await openStream(port, session(id, shell("exec cat")), records);
    const call = { type: "ATTACH_CONTAINER_OUTPUT", attach_container_output: { container_id: id } };
    const other = await openStream(port, call, { Accept: "application/json" });
    expect(other.headers["content-type"]).toBe("application/json");
    const input = attachInput(port, id);
    input.type("both");
    await until("both read it", () => [stream, other].every((each) => each.out().length === 4));
    input.send({ type: "DATA", data: { type: "STDIN", data: new Uint8Array() } });
    await Promise.all([stream.ended, other.ended]);
  });

  test("of a task, what it appends to its files is told, also after they were rotated", async () => {
    const command =
      "echo before; until [ -e go ]; do sleep 0.05; done; echo out; echo err >&2; " +
      "mv stdout stdout.1; exec >stdout; echo rotated";
    const { port, task } = await withTask(command);
    await sleep(200);
    const call = {
      type: "ATTACH_CONTAINER_OUTPUT",
      attach_container_output: { container_id: task },
    };
    const stream = await openStream(port, call, records);
    await openStream(port, session(childOf(task, "s"), shell("touch go")), records);
    await stream.ended;
    expect([stream.out().toString(), stream.err().toString()]).toEqual(["out\nrotated\n", "err\n"]);
  });

  test("a container that is not there is a 404", async () => {
    const { port, task } = await withTask();
    for (const container_id of [{ value: "no" }, childOf(task, "no"), { value: "t1" }]) {
      const call = { type: "ATTACH_CONTAINER_OUTPUT", attach_container_output: { container_id } };
      expect((await callAgent(port, call, records)).status).toBe(404);
    }
  });
});

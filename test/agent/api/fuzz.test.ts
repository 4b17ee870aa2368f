/**
 * Hostile requests to a real agent with tasks: calls of its operator API and of the executor API in
 * both encodings, whole and damaged, records, documents with odd parameters. It must answer every
 * one, never with a failure of its own, keep its tasks, and not grow.
 *
 * The same seed makes the same requests; FUZZ_SEED and FUZZ_COUNT change that.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { afterAll, expect, test } from "vitest";
import { encodeJson } from "../../../worker/protocol/wire/json.ts";
import { encodeProtobuf } from "../../../worker/protocol/wire/protobuf.ts";
import { encodeRecord } from "../../../worker/protocol/wire/record-io.ts";
import { defined } from "../../../worker/std/assert.ts";
import { prng } from "../../../worker/std/prng.ts";
import { Dice } from "../../fuzz/dice.ts";
import { type Fields, MessageMaker } from "../../fuzz/make-message.ts";
import { mutateBytes, mutateJson } from "../../fuzz/mutate.ts";
import { endMasters, joined } from "../shell/agent-lab.ts";
import { cleanUp } from "../shell/agent-process.ts";

afterAll(async () => {
  await endMasters();
  await cleanUp();
});

const seed = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_COUNT ?? 2_000);

/** What is left over after many requests is noise of the engine. */
const GROWTH_MOST = 64 * 1024 * 1024;
/** An answer that goes on is not waited for; one that never begins is a failure. */
const PATIENCE_MS = 10_000;

const CALL = "mesos.v1.agent.Call";
const EXECUTOR_CALL = "mesos.v1.executor.Call";
const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/x-protobuf";

const PATHS = [
  ...["/state", "/flags", "/containers", "/monitor/statistics", "/metrics/snapshot", "/version"],
  ...["/files/browse", "/files/read", "/files/download", "/files/debug", "/logging/toggle"],
  ...["/slave(1)/state", "/api/v1", "/api/v1/executor", "/../etc/passwd", "//", "/%00", "/%zz"],
];
const NAMES = ["path", "offset", "length", "jsonp", "level", "duration", "__proto__", ""];
const VALUES = [
  ...["", "-1", "0", "1e9", "9".repeat(30), "../../etc/passwd", "\u0000", "alert(1)//", "x()", "é"],
  ...["/frameworks/f1/executors/t1/runs/latest/stdout", "/frameworks/f1/executors/t1/runs/latest"],
  ...["/frameworks/f1/executors/t1/runs/latest/../../../..", "x".repeat(3_000), "5secs", "3"],
];

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

class Requests {
  readonly #dice: Dice;
  readonly #maker: MessageMaker;

  constructor(dice: Dice, containerIds: readonly string[]) {
    this.#dice = dice;
    this.#maker = new MessageMaker(dice, {
      ids: new Map([
        ["mesos.v1.FrameworkID", ["f1", "f1", "f2"]],
        ["mesos.v1.ExecutorID", ["e", "e", "t1"]],
        ["mesos.v1.TaskID", ["t1", "t2", "nobody"]],
        ["mesos.v1.AgentID", ["test-S0"]],
        ["mesos.v1.ContainerID", [...containerIds, "c1", "../c", "a b", "-rf"]],
      ]),
      fields: new Map([
        ["path", VALUES],
        // What is launched is to end by itself.
        ["value", ["true", "exit 3", "echo x", "/no/such/program"]],
        ["user", ["root", "nobody", "no-such-user", "-u", ""]],
      ]),
      ...{ uuids: [], streamIds: [], streamOf: new Map(), relayIds: [] },
    });
  }

  next(): Sent {
    const dice = this.#dice;
    if (dice.chance(0.1)) return this.#document();
    if (dice.chance(0.15)) return this.#records();
    const name = dice.chance(0.5) ? CALL : EXECUTOR_CALL;
    const path = name === CALL ? "/api/v1" : "/api/v1/executor";
    const body = this.#body(name, this.#maker.message(name));
    const accept = dice.pick([JSON_TYPE, PROTOBUF_TYPE, "*/*", "application/recordio", "x", ""]);
    const headers = { "Content-Type": body.type, Accept: accept };
    const odd: Sent["headers"] = dice.chance(0.1) ? { "Message-Accept": JSON_TYPE } : {};
    return { method: "POST", path, headers: { ...headers, ...odd }, body: body.bytes };
  }

  #document(): Sent {
    const dice = this.#dice;
    const pair = (): string =>
      `${encodeURIComponent(dice.pick(NAMES) ?? "")}=${encodeURIComponent(dice.pick(VALUES) ?? "")}`;
    const query = Array.from({ length: dice.below(4) }, pair).join("&");
    const method = dice.pick(["GET", "GET", "HEAD", "POST", "PUT", "OPTIONS"]);
    const path = `${dice.pick(PATHS)}?${query}`;
    return { method, path, headers: {}, body: new Uint8Array() };
  }

  /** ATTACH_CONTAINER_INPUT, or what looks like it from afar. */
  #records(): Sent {
    const dice = this.#dice;
    const parts = Array.from({ length: 1 + dice.below(4) }, (_, at) => {
      const part = this.#maker.message("mesos.v1.agent.Call.AttachContainerInput");
      const type = dice.chance(0.8) ? (at === 0 ? "CONTAINER_ID" : "PROCESS_IO") : part.type;
      const call = { type: "ATTACH_CONTAINER_INPUT", attach_container_input: { ...part, type } };
      return encodeRecord(this.#body(CALL, call, JSON_TYPE).bytes);
    });
    const whole = new Uint8Array(Buffer.concat(parts));
    const body = dice.chance(0.5) ? mutateBytes(dice, whole) : whole;
    const inner = dice.pick([JSON_TYPE, JSON_TYPE, PROTOBUF_TYPE, "x"]);
    const headers = { "Content-Type": "application/recordio", "Message-Content-Type": inner };
    return { method: "POST", path: "/api/v1", headers, body };
  }

  #body(name: string, message: Fields, as?: string): { type: string; bytes: Uint8Array } {
    const dice = this.#dice;
    const type = as ?? (dice.chance(0.5) ? JSON_TYPE : PROTOBUF_TYPE);
    const isDamaged = dice.chance(0.4);
    // The message is of that name; the maker's type does not say so.
    if (type === JSON_TYPE) {
      const text = encodeJson(name as typeof CALL, message as never);
      return { type, bytes: Buffer.from(isDamaged ? mutateJson(dice, text) : text) };
    }
    const bytes = encodeProtobuf(name as typeof CALL, message as never);
    return { type, bytes: isDamaged ? mutateBytes(dice, bytes) : bytes };
  }
}

const connections = new Agent({ keepAlive: true, maxSockets: 8 });

/** The status; of an answer that goes on, too. */
function ask(port: number, { method, path, headers, body }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, agent: connections };
    const sent = request({ ...options, headers, timeout: PATIENCE_MS }, (answer) => {
      const status = answer.statusCode ?? 0;
      answer.on("data", () => {});
      answer.on("error", () => {});
      answer.once("end", () => resolve(status));
      setTimeout(() => {
        resolve(status);
        if (!answer.complete) answer.destroy();
      }, 50);
    });
    sent.once("timeout", () => sent.destroy(new Error("no answer")));
    sent.once("error", reject);
    sent.end(body);
  });
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

test(`an agent answers whatever it is asked, and fails at nothing (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const { master, agent } = await joined("--insecure-local");
  const port = Number(/API at http:\/\/127\.0\.0\.1:(\d+)/.exec(agent.log())?.[1]);
  master.run("t1", "exec sleep 1000");
  await master.state("t1", "TASK_RUNNING");
  const command = { value: "exec sleep 1000" };
  const ids = { executor_id: { value: "e" }, framework_id: { value: "f1" } };
  const task = { name: "t2", task_id: { value: "t2" }, agent_id: { value: "test-S0" } };
  const framework = { id: { value: "f1" }, user: "root", name: "f1" };
  const run_task = { framework, task: { ...task, executor: { ...ids, command } } };
  master.send({ type: "RUN_TASK", run_task });
  const pid = defined(agent.child.pid, "it was started");
  const requests = new Requests(new Dice(prng(seed)), ["t1"]);
  const statuses = new Map<number, number>();
  let quarter = 0;
  for (let done = 0; done < count; done++) {
    const sent = requests.next();
    const status = await ask(port, sent).catch((error: unknown) => String(error));
    const isFailure =
      typeof status !== "number" || (status >= 500 && status !== 501 && status !== 503);
    if (isFailure)
      expect.fail(`request ${done} of seed ${seed}: ${status}\n${textOf(sent)}\n${agent.log()}`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (done === Math.floor(count / 4)) quarter = residentBytes(pid);
  }
  console.log(
    [...statuses]
      .sort()
      .map(([status, times]) => `${status}: ${times}`)
      .join(", "),
  );
  expect(agent.child.exitCode).toBe(null);
  expect(agent.log()).not.toMatch(/failed at/);
  expect(residentBytes(pid) - quarter).toBeLessThan(GROWTH_MOST);
  // A fuzzer whose every call is refused at the door says nothing.
  for (const status of [200, 202, 400])
    expect(statuses.get(status) ?? 0).toBeGreaterThan(count / 50);
});

function textOf({ method, path, headers, body }: Sent): string {
  const shown = Buffer.from(body).toString("latin1").slice(0, 3_000);
  return `${method} ${path} ${JSON.stringify(headers)}\n${JSON.stringify(shown)}`;
}

/**
 * One life of an agent, which ends by SIGKILL between two calls to the system and goes on as
 * another process. `npm test` tries some of the places; RIMROCK_CRASH_POINTS=all tries every one
 * (some minutes), a number the one of that number.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { volume } from "../../core/agent/bench.ts";
import { beforeStart, endMasters } from "./agent-lab.ts";
import { type AgentProcess, cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";
import type { FakeMaster } from "./fake-master.ts";

const SHIM = fileURLToPath(new URL("crash-shim.mjs", import.meta.url));
const SAMPLES = 8;
const AT_ONCE = 2;
/** More than the calls of a life; the first life tells how many there are. */
const NEVER = 1_000_000;
/** Of a busy machine. */
const PATIENCE_MS = 30_000;
const ANSWER_MS = 3_000;
const UNKNOWN = '{"get_tasks":{"launched_tasks":["unknown"]}}';
const LIFE = ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"];

afterEach(endMasters);
afterAll(() => cleanUp());

interface Life {
  readonly master: FakeMaster;
  readonly workDirectory: string;
  /** Tasks whose command ran, in the order in which they did. */
  readonly ran: readonly string[];
  readonly restarts: number;
  /** Of the first process, if it came to its end. */
  readonly calls: number;
}

async function live(crashAt: number): Promise<Life> {
  const { master, workDirectory, args } = await beforeStart("--containerizer", "process");
  const folder = temporaryDirectory();
  const [ran, count] = [join(folder, "ran"), join(folder, "count")];
  const env = { RIMROCK_CRASH_AT: String(crashAt), RIMROCK_CRASH_COUNT: count };
  let agent = await startAgent(args, { nodeArguments: ["--import", SHIM], env });
  let restarts = 0;
  const startAgain = async (died: AgentProcess): Promise<void> => {
    const [, signal] = await died.ended;
    if (signal !== "SIGKILL") return;
    restarts++;
    agent = await startAgent(args);
  };
  const first = startAgain(agent);
  await liveThrough(master, ran);
  await settled(master);
  agent.child.kill("SIGTERM");
  await agent.ended;
  await first;
  const registrations = master.registrations.length;
  const last = await startAgent(args);
  const { tasks } = await master.until("the next", () => master.registrations[registrations]);
  expect(tasks ?? [], "tasks that the next agent knows").toEqual([]);
  last.child.kill("SIGTERM");
  await last.ended;
  const lines = existsSync(ran) ? readFileSync(ran, "utf8").trim().split("\n") : [];
  const calls = existsSync(count) ? Number(readFileSync(count, "utf8")) : 0;
  return { master, workDirectory, ran: lines, restarts, calls };
}

/** All that an agent writes down: a volume and its end, tasks that end and one that is killed. */
async function liveThrough(master: FakeMaster, ran: string): Promise<void> {
  const resources = [volume("v1")];
  const operation = (info: mesos.OfferOperation, total: readonly mesos.Resource[]): bigint => {
    const operation_uuid = new Uint8Array(16);
    const apply_operation = { operation_uuid, info, resources: total };
    return master.send({ type: "APPLY_OPERATION", apply_operation });
  };
  operation({ type: "CREATE", create: { volumes: resources } }, resources);
  master.run("fails", `echo fails >> ${ran}; exit 3`);
  master.run("writes", `echo writes >> ${ran}; echo kept > data/file`, { resources });
  const run_number = master.run("killed", `echo killed >> ${ran}; exec sleep 1000`);
  await ended(master, "fails");
  await ended(master, "writes");
  const ids = { framework_id: { value: "f1" }, task_id: { value: "killed" } };
  master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number } });
  await ended(master, "killed");
  master.run("reads", `echo reads >> ${ran}; grep kept data/file`, { resources });
  await ended(master, "reads");
  const last = operation({ type: "DESTROY", destroy: { volumes: resources } }, []);
  await master.until("all is done", () => master.acknowledged >= last || undefined);
}

/** Acknowledgements may have been lost with the process: then what they were for is told again. */
async function settled(master: FakeMaster): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    // A call that the process took along is nobody's to answer.
    const answer = await master.call({ type: "GET_TASKS" }, ANSWER_MS).catch(() => undefined);
    const { completed_tasks: _, ...open } = JSON.parse(answer?.body ?? UNKNOWN).get_tasks;
    if (Object.values(open).flat().length === 0) return;
    expect(performance.now(), "the agent knows open tasks for long").toBeLessThan(deadlineMs);
    await sleep(20);
  }
}

async function ended(master: FakeMaster, taskId: string): Promise<void> {
  await master.until(`${taskId} ends`, () => terminal(master, taskId), PATIENCE_MS);
}

function terminal(master: FakeMaster, taskId: string): mesos.TaskStatus | undefined {
  const statuses = master.updates.map(({ status }) => status);
  return statuses.find(({ task_id, state }) => task_id.value === taskId && !LIFE.includes(state));
}

function checkLife({ master, workDirectory, ran }: Life): void {
  expect(new Set(ran).size, `nothing runs twice: ${ran}`).toBe(ran.length);
  const ends = { fails: "TASK_FAILED", writes: "TASK_FINISHED", killed: "TASK_KILLED" };
  for (const [taskId, end] of Object.entries({ ...ends, reads: "TASK_FINISHED" })) {
    const states = master.statesOf(taskId);
    const status = terminal(master, taskId);
    const told = `${taskId}: ${states} ${status?.message}`;
    expect(
      states.filter((state) => !LIFE.includes(state)),
      told,
    ).toHaveLength(1);
    expect(states.slice(0, -1), told).toEqual(LIFE.slice(0, states.length - 1));
    if (status?.reason === "REASON_AGENT_RESTARTED") expect(ran, told).not.toContain(taskId);
    else if (taskId === "reads" && !ran.includes("writes"))
      expect(status?.state).toBe("TASK_FAILED");
    else expect(status?.state, told).toBe(end);
  }
  const names = readdirSync(join(workDirectory, "meta/runtime"));
  const records = names.filter((name) => !name.startsWith("."));
  expect(records, "records of containers").toEqual([]);
  const volumes = readdirSync(join(workDirectory, "volumes"), { recursive: true }).map(String);
  expect(
    volumes.filter((path) => /v1/.test(path)),
    "volumes that are left",
  ).toEqual([]);
}

function placesOf(calls: number, wanted: string): readonly number[] {
  const all = Array.from({ length: calls }, (_, index) => index + 1);
  if (wanted === "all") return all;
  if (wanted !== "") return [Number(wanted)];
  // Others each day, the same all day.
  const offset = Math.floor(Date.now() / 86_400_000) % Math.ceil(calls / SAMPLES);
  return all.filter((place) => place % Math.ceil(calls / SAMPLES) === offset);
}

test("wherever the agent is killed, every task runs once at most and its end is told once", async () => {
  const whole = await live(NEVER);
  checkLife(whole);
  expect(whole.ran.toSorted()).toEqual(["fails", "killed", "reads", "writes"]);
  const places = [...placesOf(whole.calls, process.env.RIMROCK_CRASH_POINTS ?? "")];
  expect(places.length).toBeGreaterThan(0);
  const failures: string[] = [];
  let died = 0;
  const tryPlaces = async (): Promise<void> => {
    for (let place = places.shift(); place !== undefined; place = places.shift()) {
      try {
        const life = await live(place);
        died += life.restarts;
        checkLife(life);
      } catch (cause) {
        failures.push(`RIMROCK_CRASH_POINTS=${place}: ${cause}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tryPlaces));
  expect(failures).toEqual([]);
  expect(died).toBeGreaterThan(0);
}, 1_800_000);

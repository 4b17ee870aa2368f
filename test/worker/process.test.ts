/** What the master's object tells of itself: its log and its own measurements. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { post, request, TestAgent, TestFramework } from "./cluster.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await reset();
});

function setLevel(level: number, seconds: number): Promise<Response> {
  return post("/api/v1", {
    type: "SET_LOGGING_LEVEL",
    set_logging_level: { level, duration: { nanoseconds: seconds * 1e9 } },
  });
}

async function level(): Promise<string> {
  return await (await request("/logging/toggle")).text();
}

test("at level 0 turns are not logged, at 1 with a line each, at 2 with their inputs", async () => {
  const logged = vi.spyOn(console, "log").mockImplementation(() => {});
  const framework = await TestFramework.subscribe();
  expect(logged).not.toHaveBeenCalled();
  expect((await setLevel(1, 60)).status).toBe(200);
  await framework.call("REVIVE");
  expect(logged.mock.calls).toEqual([
    [expect.stringMatching(/^turn \d+: SCHEDULER_CALL REVIVE: \d+ changes, \d+ effects$/)],
  ]);
  logged.mockClear();
  await setLevel(2, 60);
  await framework.call("REVIVE");
  expect(logged.mock.calls).toHaveLength(2);
  expect(JSON.parse(String(logged.mock.calls[1]))).toMatchObject({
    input: { type: "SCHEDULER_CALL", call: { type: "REVIVE" } },
  });
});

test("a raised level reverts when its time is over, or when it is set back", async () => {
  expect(await level()).toBe("0\n");
  await setLevel(2, 30);
  expect(await level()).toBe("2\n");
  vi.setSystemTime(Date.now() + 29_000);
  expect(await level()).toBe("2\n");
  vi.setSystemTime(Date.now() + 1_000);
  expect(await level()).toBe("0\n");
  await request("/logging/toggle?level=1&duration=1hrs");
  expect(await level()).toBe("1\n");
  await request("/logging/toggle?level=0&duration=1hrs");
  expect(await level()).toBe("0\n");
});

test("the object measures its allocations, its writes and its size", async () => {
  await TestAgent.register();
  await TestFramework.subscribe();
  const metrics = await (await request("/metrics/snapshot")).json<Record<string, number>>();
  expect(metrics["allocator/mesos/allocation_runs"]).toBeGreaterThan(0);
  expect(metrics["registrar/registry_size_bytes"]).toBeGreaterThan(4_096);
  expect(metrics["rimrock/store/rows_written"]).toBeGreaterThan(0);
  expect(metrics).toMatchObject({
    "registrar/queued_operations": 0,
    "registrar/state_fetch_ms": expect.any(Number),
    "registrar/state_store_ms": expect.any(Number),
    "system/cpus_total": 1,
    "system/load_1min": expect.any(Number),
  });
  const stats = await (await request("/system/stats.json")).json<Record<string, number>>();
  expect(Object.keys(stats)).toEqual([
    "avg_load_15min",
    "avg_load_1min",
    "avg_load_5min",
    "cpus_total",
  ]);
});

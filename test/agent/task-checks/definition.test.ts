/** What a task's checks are taken for, before anything is tried. */
import { expect, test } from "vitest";
import type { CheckKind } from "../../../agent/core/check-result.ts";
import { checkOf } from "../../../agent/task-checks/definition.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";

const of = (kind: CheckKind, more: Partial<mesos.TaskInfo>) =>
  checkOf({ name: "t", task_id: { value: "t" }, agent_id: { value: "a" }, ...more }, kind);
const here = { host: "127.0.0.1", port: 80 };

test.each<[string, mesos.HealthCheck, object]>([
  ["plain HTTP at the root", { type: "HTTP", http: { port: 80 } }, { scheme: "http", path: "/" }],
  [
    "HTTPS, at its path",
    { type: "HTTP", http: { port: 80, scheme: "https", path: "/ok?x=1" } },
    { scheme: "https", path: "/ok?x=1" },
  ],
  [
    "HTTP over IPv6",
    { type: "HTTP", http: { port: 80, protocol: "IPv6" } },
    { scheme: "http", host: "::1", path: "/" },
  ],
  ["TCP", { type: "TCP", tcp: { port: 80 } }, {}],
  ["TCP over IPv6", { type: "TCP", tcp: { port: 80, protocol: "IPv6" } }, { host: "::1" }],
])("a health check is %s", (_what, health_check, definition) => {
  expect(of("HEALTH", { health_check })).toEqual({
    definition: { type: health_check.type, ...here, ...definition },
    timeoutMs: 20_000,
  });
});

test("a check over HTTP is plain, and a command is the framework's", () => {
  const http: mesos.CheckInfo = { type: "HTTP", http: { port: 80 } };
  expect(of("CHECK", { check: http })?.definition).toEqual({
    ...{ type: "HTTP", scheme: "http", path: "/" },
    ...here,
  });
  const command = { value: "exit 1", user: "nobody" };
  const check: mesos.CheckInfo = { type: "COMMAND", command: { command } };
  expect(of("CHECK", { check })?.definition).toEqual({ type: "COMMAND", command });
});

test("a time of 0 is no bound, and a check that says nothing is none", () => {
  const tcp = { type: "TCP", tcp: { port: 80 } } as const;
  expect(of("CHECK", { check: { ...tcp, timeout_seconds: 0 } })?.timeoutMs).toBeUndefined();
  expect(of("CHECK", { check: { ...tcp, timeout_seconds: 0.5 } })?.timeoutMs).toBe(500);
  expect(of("CHECK", {})).toBeUndefined();
  expect(of("CHECK", { check: { type: "HTTP" } })?.definition).toBeUndefined();
  expect(of("HEALTH", { check: tcp })).toBeUndefined();
});

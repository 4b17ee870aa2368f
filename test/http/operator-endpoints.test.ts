/** The endpoints of quota, weights and maintenance: each says the same as an operator call. */
import { expect, test } from "vitest";
import type * as master from "../../worker/protocol/v1/master.ts";
import { edge, outcome } from "./edge.ts";

const done = { type: "REPLIED", reply: { type: "DONE" } } as const;

function changing(): ReturnType<typeof edge> {
  return edge({ master: { apply: async () => done } });
}

test.each([
  [
    "POST",
    "/quota",
    '{"role":"r","force":true,"guarantee":[{"name":"cpus","type":"SCALAR","scalar":{"value":1}}]}',
    {
      type: "SET_QUOTA",
      set_quota: {
        quota_request: {
          role: "r",
          force: true,
          guarantee: [{ name: "cpus", type: "SCALAR", scalar: { value: 1 } }],
        },
      },
    },
  ],
  ["DELETE", "/quota/r", undefined, { type: "REMOVE_QUOTA", remove_quota: { role: "r" } }],
  [
    "DELETE",
    "/master/quota/a%2Fb",
    undefined,
    { type: "REMOVE_QUOTA", remove_quota: { role: "a/b" } },
  ],
  [
    "PUT",
    "/weights",
    '[{"role":"r","weight":2.5}]',
    { type: "UPDATE_WEIGHTS", update_weights: { weight_infos: [{ role: "r", weight: 2.5 }] } },
  ],
  [
    "POST",
    "/maintenance/schedule",
    '{"windows":[]}',
    {
      type: "UPDATE_MAINTENANCE_SCHEDULE",
      update_maintenance_schedule: { schedule: {} },
    },
  ],
  [
    "POST",
    "/machine/down",
    '[{"hostname":"h"}]',
    { type: "START_MAINTENANCE", start_maintenance: { machines: [{ hostname: "h" }] } },
  ],
  [
    "POST",
    "/machine/up",
    '[{"hostname":"h"}]',
    { type: "STOP_MAINTENANCE", stop_maintenance: { machines: [{ hostname: "h" }] } },
  ],
])("%s %s is a call of the operator API", async (method, path, body, call) => {
  const { request, asked } = changing();
  expect(await outcome(request(path, { method, body }))).toEqual([200, ""]);
  expect(asked).toEqual([["master.apply", {}, { type: "OPERATOR_CALL", call }]]);
});

const reads: readonly (readonly [string, master.Response, string])[] = [
  ["/quota", { type: "GET_QUOTA", get_quota: { status: {} } }, "{}"],
  ["/weights", { type: "GET_WEIGHTS" }, "[]"],
  [
    "/weights",
    { type: "GET_WEIGHTS", get_weights: { weight_infos: [{ role: "r", weight: 2 }] } },
    '[{"weight":2.0,"role":"r"}]',
  ],
  [
    "/maintenance/schedule",
    { type: "GET_MAINTENANCE_SCHEDULE", get_maintenance_schedule: { schedule: {} } },
    "{}",
  ],
  [
    "/maintenance/status",
    { type: "GET_MAINTENANCE_STATUS", get_maintenance_status: { status: {} } },
    "{}",
  ],
];

test.each(reads)("GET %s is the answer's part of its own", async (path, response, json) => {
  const { request } = edge({ master: { read: async () => response } });
  expect(await outcome(request(path))).toEqual([200, json]);
  expect(await outcome(request(`${path}?jsonp=cb`))).toEqual([200, `cb(${json})`]);
});

test.each([
  ["GET", "/machine/down", "POST"],
  ["GET", "/machine/up", "POST"],
  ["POST", "/weights", "GET, PUT"],
  ["PUT", "/quota", "GET, POST, DELETE"],
  ["DELETE", "/maintenance/schedule", "GET, POST"],
  ["POST", "/maintenance/status", "GET"],
])("%s %s is a 405 that names what is served", async (method, path, allowed) => {
  const answer = await edge().request(path, { method });
  expect([answer.status, answer.headers.get("Allow")]).toEqual([405, allowed]);
});

test.each([
  ["DELETE", "/quota", undefined],
  ["POST", "/quota", "{"],
  ["PUT", "/weights", ""],
  ["PUT", "/weights", '[{"role":"r"}]'],
  ["POST", "/machine/down", '["h"]'],
  ["POST", "/maintenance/schedule", '{"windows":[{}]}'],
])("%s %s with %s does not reach the master", async (method, path, body) => {
  const { request, asked } = changing();
  expect((await request(path, { method, body })).status).toBe(400);
  expect(asked).toEqual([]);
});

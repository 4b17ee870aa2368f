import { expect, test } from "vitest";
import { createApp } from "../../worker/http/app.ts";
import { edge, outcome } from "./edge.ts";

const URL = "http://master.example:5050/front-door/v1/hang-up";

function app(asked: string[]) {
  const hungUp = async (streamId: string): Promise<void> => void asked.push(streamId);
  const callerHungUp = async (...call: string[]): Promise<void> => void asked.push(...call);
  const { cluster } = edge({ master: { hungUp }, relay: { callerHungUp } });
  return createApp(cluster, { frontDoorKey: "the key" });
}

test("the front door, and nobody else, says that a client hung up", async () => {
  const asked: string[] = [];
  const stream = { "Mesos-Stream-Id": "s1" };
  const told = (headers: Record<string, string>, method = "POST"): Promise<[number, string]> =>
    outcome(app(asked).request(URL, { method, headers: { ...stream, ...headers } }));
  expect(await told({ "Rimrock-Front-Door": "the key" })).toEqual([202, ""]);
  expect((await told({ "Rimrock-Front-Door": "a guess" }))[0]).toBe(404);
  expect((await told({}))[0]).toBe(404);
  expect((await told({ "Rimrock-Front-Door": "the key" }, "GET"))[0]).toBe(405);
  expect(asked).toEqual(["s1"]);
});

test("the client of an agent's answer is told to its relay, by a name that is one", async () => {
  const asked: string[] = [];
  const told = (name: string): Promise<[number, string]> => {
    const headers = { "Rimrock-Front-Door": "the key", "Rimrock-Call-Name": name };
    return outcome(app(asked).request(URL, { method: "POST", headers }));
  };
  expect(await told("relay-2/8f-a")).toEqual([202, ""]);
  expect(asked).toEqual(["relay-2", "8f-a"]);
  await told("somebody/8f-a");
  await told("relay-2/../x");
  expect(asked.slice(2)).toEqual(["", ""]);
});

test("a deployment without a front door of its own has no such route", async () => {
  const headers = { "Rimrock-Front-Door": "undefined" };
  const answer = edge().request("/front-door/v1/hang-up", { method: "POST", headers });
  expect((await outcome(answer))[0]).toBe(404);
});

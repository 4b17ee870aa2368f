/** The forms `/reserve`, `/unreserve`, `/create-volumes` and `/destroy-volumes`. */
import { describe, expect, test } from "vitest";
import { accepted, edge, outcome } from "./edge.ts";

const cpus = { name: "cpus", type: "SCALAR", scalar: { value: 1 } };
const forms = [
  ["/reserve", "resources", "RESERVE_RESOURCES"],
  ["/unreserve", "resources", "UNRESERVE_RESOURCES"],
  ["/create-volumes", "volumes", "CREATE_VOLUMES"],
  ["/destroy-volumes", "volumes", "DESTROY_VOLUMES"],
] as const;

function body(fields: Record<string, string>): RequestInit {
  return { method: "POST", body: new URLSearchParams(fields).toString() };
}

describe.each(forms)("%s", (path, list, type) => {
  const fields = { slaveId: "S1", [list]: JSON.stringify([cpus]) };

  test("is the operator's call of that name", async () => {
    const { request, asked } = edge({ master: { apply: async () => accepted } });
    expect(await outcome(request(path, body(fields)))).toEqual([202, ""]);
    const call = { type, [type.toLowerCase()]: { agent_id: { value: "S1" }, [list]: [cpus] } };
    expect(asked).toEqual([["master.apply", {}, { type: "OPERATOR_CALL", call }]]);
  });

  test("is a 405 for anything but POST", async () => {
    const answer = await edge().request(path);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("Allow")).toBe("POST");
  });

  test.each([
    ["without an agent", { [list]: "[]" }, "'slaveId' is missing"],
    ["without a list", { slaveId: "S1" }, `'${list}' is missing`],
    ["with text that is not JSON", { ...fields, [list]: "{" }, ""],
    ["with more than a list", { ...fields, [list]: `[],"agent_id":{"value":"S2"}` }, ""],
    ["with something else than resources", { ...fields, [list]: "[1]" }, list],
  ])("is a 400 %s", async (_, given, words) => {
    const [status, sentence] = await outcome(edge().request(path, body(given)));
    expect(status).toBe(400);
    expect(sentence).toContain(words);
  });
});

test("what the operation finds wrong is a 400, what is not free a 409", async () => {
  const refuse = (error: object) => ({
    master: {
      apply: async () => ({ type: "REPLIED", reply: { type: "REFUSED", error } }) as never,
    },
  });
  const call = {
    type: "DESTROY_VOLUMES",
    destroy_volumes: { agent_id: { value: "S1" }, volumes: [cpus] },
  };
  const reason = { code: "VOLUME_NOT_FOUND", id: "v1" };
  const invalid = refuse({ code: "OPERATION_INVALID", agentId: "S1", reason });
  const [status, sentence] = await outcome(edge(invalid).post("/api/v1", call));
  expect(status).toBe(400);
  expect(sentence).toMatch(/^Agent S1: .*'v1'.*\.$/);
  const needed = [{ name: "cpus", reservations: [], kind: "SCALAR", thousandths: 1_500 }];
  const taken = refuse({ code: "RESOURCES_NOT_FREE", agentId: "S1", free: [], needed });
  const [conflict, why] = await outcome(edge(taken).post("/api/v1", call));
  expect(conflict).toBe(409);
  expect(why).toContain("has nothing free, also without offers, which does not contain cpus:1.5");
});

import { expect, test } from "vitest";
import type { Input } from "../../worker/core/input.ts";
import { storedRows } from "../../worker/core/invariants.ts";
import { rehearse, Unfinished, whatIf } from "../../worker/core/what-if.ts";
import type { AgentId, RelayId, SessionId } from "../../worker/protocol/ids.ts";
import { commands } from "../scenarios/commands.ts";
import { World } from "../scenarios/world.ts";

function worldWithTasks(): World {
  const world = new World();
  const words = (line: string): void => {
    const [word = "", ...args] = line.split(" ");
    commands[word]?.(world, { args, options: new Map([["roles", "web"]]) });
  };
  words("framework f1");
  words("agent a1 cpus=4 mem=1024");
  words("agent a2 cpus=4 mem=1024");
  words("accept f1 o1 launch t1 cpus=1 mem=32 launch t2 cpus=1 mem=32");
  words("update a1 f1 t1 TASK_RUNNING");
  return world;
}

function picture(world: World): unknown {
  const { state } = world.host;
  const volatile = [...state.tables.offer.values(), ...state.tables.update.values()];
  const held = [...state.tables.agent.values()].map(({ id }) => state.allocation.held(id));
  return structuredClone({ rows: storedRows(state), volatile, held, next: [...state.next] });
}

test("what-if shows a framework's removal and leaves everything as it was, order included", () => {
  const world = worldWithTasks();
  const before = picture(world);
  const { state, nowMs } = world.host;
  const framework_id = { value: world.frameworkId("f1") };
  const call = { type: "TEARDOWN", teardown: { framework_id } } as const;
  const input = { type: "OPERATOR_CALL", call } as const;
  const seen = whatIf(state, { turn: 99, nowMs, seed: 5, principal: {}, input }, (outcome) => ({
    effects: outcome.effects.map((effect) => effect.type),
    tasks: state.tables.task.size,
  }));
  expect(seen.tasks).toBe(0);
  expect(seen.effects).toContain("SEND_COMMANDS");
  expect(picture(world)).toEqual(before);
});

test("what-if of an agent's loss can be asked twice with the same answer", () => {
  const world = worldWithTasks();
  const { state, nowMs } = world.host;
  const agentId = world.idOf("a1") as AgentId;
  const sessionId = state.tables.agent.get(agentId)?.sessionId as SessionId;
  const message = { type: "SILENT", agentId, sessionId } as const;
  const relayId = "relay-1" as RelayId;
  const input = { type: "RELAY_BATCH", relayId, messages: [message] } as const;
  const ask = (): string =>
    whatIf(state, { turn: 99, nowMs, seed: 5, principal: {}, input }, ({ effects }) =>
      JSON.stringify(effects, (_, value) => (typeof value === "bigint" ? `${value}n` : value)),
    );
  const first = ask();
  expect(first).toContain("TASK_LOST");
  expect(ask()).toBe(first);
});

test("several inputs are tried one after the other, and all of them are undone", () => {
  const world = worldWithTasks();
  const before = picture(world);
  const { state, nowMs } = world.host;
  const stamp = { turn: 99, nowMs, seed: 5, principal: {} };
  const weights = (weight: number): Input => {
    const update_weights = { weight_infos: [{ role: "web", weight }] };
    return { type: "OPERATOR_CALL", call: { type: "UPDATE_WEIGHTS", update_weights } };
  };
  const seen = rehearse(state, stamp, (play) =>
    [2, 3].map((weight) => {
      play(weights(weight));
      return state.tables.role.get("web")?.weight;
    }),
  );
  expect(seen).toEqual([2, 3]);
  expect(picture(world)).toEqual(before);
});

test("a trial that breaks off says that the state is not to be used any more", () => {
  const { state, nowMs } = worldWithTasks().host;
  const stamp = { turn: 99, nowMs, seed: 5, principal: {} };
  const broken = (): void =>
    rehearse(state, stamp, () => {
      throw new Error("a bug");
    });
  expect(broken).toThrow(Unfinished);
});

import { expect, test } from "vitest";
import type { Effect } from "../../../agent/core/effect.ts";
import { registerRequest } from "../../../agent/core/registration.ts";
import { outlivesMachine } from "../../../agent/core/rows.ts";
import { newState, save } from "../../../agent/core/state.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { Bench, exited, facts, framework, PID, statuses, task, types, volume } from "./bench.ts";

const RESERVED = [{ type: "DYNAMIC", role: "r/s", principal: "p" }] as const;

function cpus(value: number): mesos.Resource {
  return { name: "cpus", type: "SCALAR", scalar: { value } };
}

function disk(value: number, more: Partial<mesos.Resource> = {}): mesos.Resource {
  return { name: "disk", type: "SCALAR", scalar: { value }, ...more };
}

type Named = { readonly creates: string } | { readonly destroys: string } | undefined;

/** APPLY_OPERATION of one that creates or destroys a volume, or else reserves. */
function apply(bench: Bench, number: number, named: Named, resources: mesos.Resource[]): Effect[] {
  const apply_operation = {
    operation_uuid: new Uint8Array(16),
    info: operationOf(named),
    resources,
  };
  return bench.commands({ type: "APPLY_OPERATION", number: BigInt(number), apply_operation });
}

function operationOf(named: Named): mesos.OfferOperation {
  if (named === undefined) return { type: "RESERVE" };
  if ("creates" in named) return { type: "CREATE", create: { volumes: [volume(named.creates)] } };
  return { type: "DESTROY", destroy: { volumes: [volume(named.destroys)] } };
}

const at = (persistenceId: string) => ({ role: "r/s", persistenceId });
const volumeEffects = (effects: readonly Effect[]) =>
  effects.flatMap((effect) =>
    effect.type === "MAKE_VOLUME" || effect.type === "REMOVE_VOLUME"
      ? [[effect.type, effect.volume]]
      : [],
  );
const registered = (bench: Bench, total: readonly mesos.Resource[]) => {
  const agentInfo = { ...facts.agentInfo, resources: total };
  return registerRequest(newState({ ...facts, agentInfo }, save(bench.state))).resources;
};

test("an agent without operations registers no total of its own", () => {
  expect(registerRequest(new Bench().state).resources).toBeUndefined();
});

test("a created volume begins empty, whatever lies there; a destroyed one goes; others stay", () => {
  const bench = new Bench();
  expect(volumeEffects(apply(bench, 1, { creates: "a" }, [volume("a"), disk(90)]))).toEqual([
    ["REMOVE_VOLUME", at("a")],
    ["MAKE_VOLUME", at("a")],
  ]);
  expect(volumeEffects(apply(bench, 2, undefined, [volume("a"), disk(90)]))).toEqual([]);
  expect(volumeEffects(apply(bench, 3, { destroys: "a" }, [disk(100)]))).toEqual([
    ["REMOVE_VOLUME", at("a")],
  ]);
});

test("a total that is ahead of its operation makes and removes nothing by itself", () => {
  const bench = new Bench();
  apply(bench, 1, { creates: "a" }, [volume("a")]);
  expect(volumeEffects(apply(bench, 2, undefined, [disk(10)]))).toEqual([]);
  expect(volumeEffects(apply(bench, 3, undefined, [volume("b")]))).toEqual([]);
  expect(volumeEffects(apply(bench, 4, { destroys: "a" }, [volume("a")]))).toEqual([
    ["REMOVE_VOLUME", at("a")],
  ]);
});

test("an operation that comes twice is carried out once", () => {
  const bench = new Bench();
  apply(bench, 1, { creates: "a" }, [volume("a")]);
  expect(types(apply(bench, 1, { creates: "b" }, [volume("b")]))).toEqual(["POLL"]);
});

test("the total outlives the machine: its commit waits for the disk", () => {
  const bench = new Bench();
  apply(bench, 1, undefined, [disk(10)]);
  const changed = bench.state.changes.filter(({ table }) => table === "resources");
  expect(changed.map(outlivesMachine)).toEqual([true]);
});

test("a removal is asked for again after a crash, until it is done", () => {
  const bench = new Bench();
  apply(bench, 1, { destroys: "a" }, [disk(10)]);
  expect(volumeEffects(bench.crash([]))).toEqual([["REMOVE_VOLUME", at("a")]]);
  bench.input({ type: "VOLUME_REMOVED", volume: at("a") });
  expect(volumeEffects(bench.crash([]))).toEqual([]);
});

test("after a crash a removal is known to be done where a task with the new volume has begun", () => {
  for (const [container, removals] of [
    [{ state: "RUNNING", pid: PID }, []],
    [{ state: "ENDED", termination: exited(0) }, []],
    [{ state: "ENDED", termination: { kind: "LOST", message: "no trace" } }, [at("a")]],
  ] as const) {
    const bench = new Bench();
    apply(bench, 1, { creates: "a" }, [volume("a")]);
    bench.run(2, task("t2", { resources: [volume("a")] }));
    const effects = bench.crash([{ containerId: bench.containerOf(2), ...container }]);
    expect(volumeEffects(effects)).toEqual(removals.map((one) => ["REMOVE_VOLUME", one]));
  }
});

test("the next registration says the total, with what the machine has now", () => {
  const bench = new Bench();
  apply(bench, 1, undefined, [
    cpus(1),
    { ...cpus(3), reservations: RESERVED },
    volume("a", 10),
    disk(90),
  ]);
  const after = registered(bench, [cpus(8), disk(50)]);
  expect(after).toEqual([
    cpus(5),
    expect.objectContaining({ scalar: { value: 3 }, reservations: RESERVED }),
    disk(40),
    expect.objectContaining({ scalar: { value: 10 }, disk: volume("a").disk }),
  ]);
});

test("where the machine has less than was promised the promise stays and nothing else is left", () => {
  const bench = new Bench();
  apply(bench, 1, undefined, [volume("a", 10), disk(90)]);
  expect(registered(bench, [cpus(2), disk(5)])).toEqual([
    cpus(2),
    expect.objectContaining({ scalar: { value: 10 }, disk: volume("a").disk }),
  ]);
});

test("a task with a volume that is here runs; with another one it is dropped", () => {
  const bench = new Bench();
  apply(bench, 1, { creates: "a" }, [volume("a")]);
  expect(types(bench.run(2, task("t2", { resources: [volume("a")] })))).toContain("LAUNCH");
  const aware = framework("f1", "PARTITION_AWARE");
  const dropped = bench.run(3, task("t3", { resources: [volume("b")] }), aware);
  expect(types(dropped)).not.toContain("LAUNCH");
  expect(statuses(dropped)).toMatchObject([
    { state: "TASK_DROPPED", source: "SOURCE_AGENT", reason: "REASON_RESOURCES_UNKNOWN" },
  ]);
});

/** Limits and guarantees under random use, and what quota costs who has none. */
import { expect, test } from "vitest";
import { QuotaLedger } from "../../../worker/core/allocator/quota.ts";
import { consumptionOf, meteredIn } from "../../../worker/core/role/consumption.ts";
import type { AgentId } from "../../../worker/protocol/ids.ts";
import { quantityOf } from "../../../worker/resources/quantities.ts";
import { type Prng, prng } from "../../../worker/std/prng.ts";
import { commands } from "../../scenarios/commands.ts";
import { World } from "../../scenarios/world.ts";

const KINDS = ["cpus", "mem"];

function run(world: World, line: string): void {
  const [word = "", ...rest] = line.split(" ");
  const options = new Map(
    rest
      .filter((part) => part.startsWith("--"))
      .map((part) => part.slice(2).split("=") as [string, string]),
  );
  const command = commands[word];
  if (command === undefined) throw new Error(`no word ${word}`);
  command(world, { args: rest.filter((part) => !part.startsWith("--")), options });
}

/** eng may have 5 cpus, web is guaranteed 4; batch takes what it can get. */
function cluster(): World {
  const world = new World();
  const configs = [
    { role: "eng", limits: { cpus: { value: 5 } } },
    { role: "web", guarantees: { cpus: { value: 4 }, mem: { value: 1_024 } } },
  ];
  for (const name of ["a1", "a2", "a3"]) run(world, `agent ${name} cpus=4 mem=2048`);
  run(
    world,
    `operator ${JSON.stringify({ type: "UPDATE_QUOTA", update_quota: { quota_configs: configs } })}`,
  );
  run(world, "framework f1 --roles=eng/a,eng");
  run(world, "framework f2 --roles=batch");
  run(world, "framework f3 --roles=web");
  return world;
}

/** Thousandths of the kind that nobody has, and that web lacks of its guarantee. */
function standing({ host: { state } }: World, kind: string): { free: number; lacking: number } {
  let free = 0;
  for (const agent of state.tables.agent.values()) {
    const held = meteredIn(state.allocation.held(agent.id));
    free += quantityOf(meteredIn(agent.total), kind) - quantityOf(held, kind);
  }
  const guarantees = state.tables.role.get("web")?.quota?.guarantees ?? {};
  const consumed = quantityOf(consumptionOf(state, "web", { offers: "COUNTED" }), kind);
  return { free, lacking: Math.max(0, quantityOf(guarantees, kind) - consumed) };
}

function act(world: World, random: Prng, step: number): void {
  const offers = [...world.host.state.tables.offer.values()];
  const tasks = [...world.host.state.tables.task.values()];
  const offer = random.shuffle(offers)[0];
  const task = random.shuffle(tasks)[0];
  const refuse = random.below(3) * 2;
  const name = offer && world.nameOf(offer.id);
  switch (random.below(4)) {
    case 0:
      if (offer !== undefined) {
        const cpus = quantityOf(meteredIn(offer.resources), "cpus") >= 1_000 ? 1 : 0.01;
        run(
          world,
          `accept ${world.nameOf(offer.frameworkId)} ${name} launch t${step} cpus=${cpus} mem=32 --refuse=${refuse}`,
        );
      }
      return;
    case 1:
      if (offer !== undefined) {
        run(world, `decline ${world.nameOf(offer.frameworkId)} ${name} --refuse=${refuse}`);
      }
      return;
    case 2:
      if (task !== undefined) {
        const [agent, framework] = [world.nameOf(task.agentId), world.nameOf(task.frameworkId)];
        run(world, `update ${agent} ${framework} ${task.id} TASK_FINISHED`);
        run(world, `acknowledge ${framework} ${task.id}`);
      }
      return;
    default:
      run(world, `tick ${random.below(1_500)}ms`);
  }
}

test.each([1, 2, 3, 4, 5, 6])(
  "whatever frameworks do, no limit is passed and no guarantee is given away (seed %i)",
  (seed) => {
    const world = cluster();
    const random = prng(seed);
    for (let step = 0; step < 150; step++) {
      const before = KINDS.map((kind) => standing(world, kind));
      act(world, random, step);
      const eng = consumptionOf(world.host.state, "eng", { offers: "COUNTED" });
      expect(quantityOf(eng, "cpus")).toBeLessThanOrEqual(5_000);
      KINDS.forEach((kind, at) => {
        const was = before[at];
        const is = standing(world, kind);
        const wasKept = was !== undefined && was.lacking <= was.free;
        if (wasKept) expect(is.lacking, `${kind} after step ${step}`).toBeLessThanOrEqual(is.free);
      });
    }
  },
);

test("what a limit withheld is offered as soon as the role has room again", () => {
  const world = new World();
  const quota_configs = [{ role: "eng", limits: { cpus: { value: 5 } } }];
  run(
    world,
    `operator ${JSON.stringify({ type: "UPDATE_QUOTA", update_quota: { quota_configs } })}`,
  );
  for (const name of ["a1", "a2"]) run(world, `agent ${name} cpus=4 mem=2048`);
  run(world, "framework f1 --roles=eng");
  const cpus = (): readonly number[] =>
    world.host.state.index
      .offersOfFramework(world.frameworkId("f1"))
      .map((offer) => quantityOf(meteredIn(offer.resources), "cpus"));
  expect(cpus()).toEqual([4_000, 1_000]);
  run(world, "decline f1 o1 --refuse=3600");
  expect(cpus()).toEqual([1_000, 3_000]);
});

test("without a quota the allocator keeps no books", () => {
  const world = new World();
  run(world, "agent a1 cpus=4 mem=1024");
  run(world, "framework f1 --roles=a");
  expect(world.host.state.allocation.quota()).toBe(undefined);
});

test("agents that were passed over are looked at when something was freed, once a second at most", () => {
  const ledger = new QuotaLedger([]);
  const agentId = "a1" as AgentId;
  ledger.passedOver(agentId);
  expect([ledger.wakeAtMs(), ledger.takePassedOver(4_000)]).toEqual([undefined, []]);
  ledger.noteFreed();
  expect(ledger.takePassedOver(5_000)).toEqual([agentId]);
  ledger.passedOver(agentId);
  ledger.noteFreed();
  expect([ledger.wakeAtMs(), ledger.takePassedOver(5_999)]).toEqual([6_000, []]);
  expect(ledger.takePassedOver(6_000)).toEqual([agentId]);
  expect(ledger.wakeAtMs()).toBe(undefined);
});

test("what was freed before anybody was passed over wakes nobody", () => {
  const ledger = new QuotaLedger([]);
  ledger.noteFreed();
  expect(ledger.takePassedOver(5_000)).toEqual([]);
  ledger.passedOver("a1" as AgentId);
  expect(ledger.wakeAtMs()).toBe(undefined);
});

test("a role lacks its guarantee until it has it, and again when it has given some back", () => {
  const web = { guarantees: { cpus: 1_000 }, limits: {} };
  const ledger = new QuotaLedger([{ seq: 1, name: "web", quota: web }]);
  const cpus = [{ name: "cpus", reservations: [], kind: "SCALAR", thousandths: 1_000 }] as const;
  expect([ledger.hasUnmetGuarantees(), ledger.lacksGuarantee("web/api")]).toEqual([true, true]);
  ledger.held("web/api", cpus, 1);
  expect([ledger.hasUnmetGuarantees(), ledger.lacksGuarantee("web/api")]).toEqual([false, false]);
  ledger.held("web/api", cpus, -1);
  expect([ledger.hasUnmetGuarantees(), ledger.lacksGuarantee("web/api")]).toEqual([true, true]);
});

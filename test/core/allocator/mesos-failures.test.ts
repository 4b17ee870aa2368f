/**
 * What Mesos' allocator got wrong about refusals, roles, agents and amounts, by the number in its
 * changelog: each must hold here. Quota is in `mesos-quota-failures.test.ts`.
 */
import { expect, test } from "vitest";
import { World } from "../../scenarios/world.ts";
import { after, inHand, offered, say } from "./words.ts";

const updateFramework = (name: string, roles: readonly string[], suppressed: readonly string[]) =>
  `scheduler ${name} ${JSON.stringify({
    type: "UPDATE_FRAMEWORK",
    update_framework: {
      framework_info: {
        id: { value: `$${name}` },
        user: "root",
        name,
        failover_timeout: 0,
        roles,
        capabilities: [{ type: "MULTI_ROLE" }],
      },
      suppressed_roles: suppressed,
    },
  })}`;

test("MESOS-3202: of frameworks with equal shares that decline, each has its turn", () => {
  const names = ["f1", "f2", "f3", "f4"];
  const world = after(World, "agent a1 cpus=4 mem=1024");
  for (const name of names) say(world, `framework ${name} --roles=web`);
  const turns: string[] = [];
  for (let round = 0; round < 12; round++) {
    const holder = names.find((name) => inHand(world, name).length > 0) ?? "nobody";
    turns.push(holder);
    say(world, `decline ${holder} ${inHand(world, holder)[0]} --refuse=0`);
    say(world, "tick 1001ms");
  }
  for (let at = 0; at + names.length <= turns.length; at++) {
    expect(turns.slice(at, at + names.length).toSorted()).toEqual(names);
  }
});

test("MESOS-4302: a refusal ends on time, not early and not late, also when the master was busy", () => {
  const world = after(World, "framework f1 --roles=web", "agent a1 cpus=4 mem=1024");
  say(world, "decline f1 o1 --refuse=5");
  say(world, "tick 4999ms");
  expect(inHand(world, "f1")).toEqual([]);
  say(world, "tick 1ms");
  expect(inHand(world, "f1")).toEqual(["o2"]);
  say(world, "decline f1 o2 --refuse=5");
  // Nothing is handled for a minute; the first turn afterwards is about something else.
  world.host.nowMs += 60_000;
  say(world, "agent a2 cpus=1 mem=32");
  expect(offered(world, "f1")).toBe(5);
});

test("MESOS-251, 9852: of a refusal that has ended nothing is left, however it ended", () => {
  const world = after(World, "framework f1 --roles=web", "agent a1 cpus=4 mem=1024");
  const { tables } = world.host.state;
  const filters = () => tables.filter.size;
  say(world, "decline f1 o1 --refuse=5");
  expect(filters()).toBe(1);
  say(world, "tick 5001ms");
  expect(filters()).toBe(0);
  say(world, "decline f1 o2 --refuse=3600");
  // What was declined just now is remembered for a second: decision 6.
  say(world, "tick 1secs");
  say(world, "revive f1");
  expect(filters()).toBe(0);
  say(world, "decline f1 o3 --refuse=3600");
  say(world, "framework f2 --roles=other");
  say(world, "decline f2 o4 --refuse=3600");
  say(world, "teardown f1");
  expect(filters()).toBe(1);
  say(
    world,
    'operator {"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": {"value": "$a1"}}}',
  );
  expect(filters()).toBe(0);
});

/** Of a1, 8 CPUs, f1 has refused for an hour what so many tasks of 1 CPU leave. */
function besideTasks(tasks: number): World {
  const world = after(World, "framework busy --roles=b", "agent a1 cpus=8 mem=2048");
  const launches = Array.from({ length: tasks }, (_, n) => `launch t${n} cpus=1 mem=32`);
  say(world, `accept busy o1 ${launches.join(" ")} --refuse=3600`);
  for (const line of ["suppress busy", "framework f1 --roles=web"]) say(world, line);
  say(world, `decline f1 ${inHand(world, "f1")[0]} --refuse=3600`);
  say(world, "tick 2000ms");
  return world;
}

test("MESOS-251: a refusal that covers an older one takes its place", () => {
  const world = besideTasks(6);
  for (let n = 0; n < 6; n++) {
    say(world, `update a1 busy t${n} TASK_FINISHED`);
    expect(offered(world, "f1")).toBe(3 + n);
    say(world, `decline f1 ${inHand(world, "f1")[0]} --refuse=3600`);
    expect(world.host.state.tables.filter.size).toBe(2);
    say(world, "tick 2000ms");
  }
});

test("MESOS-251: a short refusal of more leaves a longer one of less as it is", () => {
  const world = besideTasks(4);
  say(world, "update a1 busy t0 TASK_FINISHED");
  say(world, `decline f1 ${inHand(world, "f1")[0]} --refuse=1`);
  say(world, "tick 2000ms");
  expect(offered(world, "f1")).toBe(5);
  say(world, `accept f1 ${inHand(world, "f1")[0]} launch t cpus=1 mem=32 --refuse=0`);
  say(world, "tick 2000ms");
  // Of the four CPUs that are left it has said that it wants none for an hour.
  expect(offered(world, "f1")).toBe(0);
});

test("MESOS-9856: REVIVE of one role keeps what was refused for the others", () => {
  const world = after(World, "framework f1 --roles=a,b", "agent a1 cpus=4 mem=1024");
  say(world, `decline f1 ${inHand(world, "f1")[0]} --refuse=3600`);
  say(world, `decline f1 ${inHand(world, "f1")[0]} --refuse=3600`);
  expect(offered(world, "f1")).toBe(0);
  say(world, "revive f1 b");
  expect([offered(world, "f1", { role: "a" }), offered(world, "f1", { role: "b" })]).toEqual([
    0, 4,
  ]);
  say(world, `decline f1 ${inHand(world, "f1")[0]} --refuse=3600`);
  expect(offered(world, "f1")).toBe(0);
});

test("MESOS-7430: SUPPRESS of one role leaves the others their offers", () => {
  const world = after(World, "framework f1 --roles=a,b", "suppress f1 a", "agent a1 cpus=4 mem=64");
  expect([offered(world, "f1", { role: "a" }), offered(world, "f1", { role: "b" })]).toEqual([
    0, 4,
  ]);
});

test("MESOS-8200: roles that are suppressed in SUBSCRIBE are offered nothing", () => {
  const world = after(World, "framework f1 --roles=a,b --suppressed=a,b", "agent a1 cpus=4 mem=64");
  expect(offered(world, "f1")).toBe(0);
  say(world, "framework f1 --roles=a,b --suppressed=b");
  expect(offered(world, "f1", { role: "a" })).toBe(4);
});

test("MESOS-9870: a role may be dropped and taken off the suppressed ones at once, and come back", () => {
  const world = after(World, "framework f1 --roles=a,b --suppressed=b", "agent a1 cpus=4 mem=64");
  say(world, updateFramework("f1", ["a"], []));
  say(world, "suppress f1 a");
  say(world, updateFramework("f1", ["c"], ["c"]));
  expect(offered(world, "f1")).toBe(0);
  say(world, updateFramework("f1", ["b"], []));
  expect(offered(world, "f1", { role: "b" })).toBe(4);
});

test("MESOS-9932: a role that is no longer suppressed forgets what was refused for it", () => {
  const world = after(World, "framework f1 --roles=a", "agent a1 cpus=4 mem=64");
  say(world, "decline f1 o1 --refuse=3600");
  say(world, updateFramework("f1", ["a"], ["a"]));
  expect(offered(world, "f1")).toBe(0);
  say(world, updateFramework("f1", ["a"], []));
  expect(offered(world, "f1")).toBe(4);
});

test("MESOS-7135: offers for a role that the framework drops are taken back and made to others", () => {
  const world = after(World, "framework f1 --roles=a,b", "agent a1 cpus=4 mem=64");
  say(world, "framework f2 --roles=c");
  expect(inHand(world, "f1")).toEqual(["o1"]);
  const lines = say(world, updateFramework("f1", ["b"], []));
  expect(lines).toContain("f1 <- RESCIND o1");
  expect(offered(world, "f1", { role: "a" })).toBe(0);
  expect(offered(world, "f1") + offered(world, "f2")).toBe(4);
});

test("MESOS-1400: what an ACCEPT with a void offer names is offered again, all of it", () => {
  const world = after(World, "framework f1 --roles=a", "agent a1 cpus=4 mem=64");
  say(world, "accept f1 o1,o99 launch t1 cpus=1 mem=32");
  say(world, "tick 1001ms");
  expect([offered(world, "f1"), offered(world, "f1", { kind: "mem" })]).toEqual([4, 64]);
});

test("MESOS-6257: of a shared volume that several were offered, nothing is lost or won by RESCIND", () => {
  const reservations = [{ type: "DYNAMIC", role: "web" }];
  const disk = { name: "disk", type: "SCALAR", scalar: { value: 64 }, reservations };
  const persistence = { persistence: { id: "v" }, volume: { container_path: "d", mode: "RW" } };
  const agent_id = { value: "$a1" };
  const call = (type: string, field: string, facts: unknown): string =>
    `operator ${JSON.stringify({ type, [field]: facts })}`;
  const options = "--roles=web --capabilities=RESERVATION_REFINEMENT,SHARED_RESOURCES";
  const world = after(World, `framework f1 ${options}`, `framework f2 ${options}`);
  say(world, "agent a1 cpus=2 mem=128 disk=64");
  say(world, call("RESERVE_RESOURCES", "reserve_resources", { agent_id, resources: [disk] }));
  const volumes = [{ ...disk, shared: {}, disk: persistence }];
  say(world, call("CREATE_VOLUMES", "create_volumes", { agent_id, volumes }));
  const disks = () => [
    offered(world, "f1", { kind: "disk" }),
    offered(world, "f2", { kind: "disk" }),
  ];
  const everything = () => [offered(world, "f1") + offered(world, "f2"), Math.max(...disks())];
  for (let round = 0; round < 4; round++) {
    expect(everything(), `round ${round}`).toEqual([2, 64]);
    say(world, call("DEACTIVATE_AGENT", "deactivate_agent", { agent_id }));
    expect(everything()).toEqual([0, 0]);
    say(world, call("REACTIVATE_AGENT", "reactivate_agent", { agent_id }));
  }
});

test("MESOS-3552: amounts that no binary fraction is equal to come back to what they were", () => {
  const world = after(World, "framework f1 --roles=a", "agent a1 cpus=1.1 mem=1024");
  const tasks = Array.from({ length: 11 }, (_, n) => `launch t${n} cpus=0.1 mem=32`);
  say(world, `accept f1 o1 ${tasks.join(" ")} --refuse=0`);
  say(world, "tick 1001ms");
  expect(offered(world, "f1")).toBe(0);
  for (let n = 0; n < 11; n++) say(world, `update a1 f1 t${n} TASK_FINISHED`);
  say(world, "tick 1001ms");
  expect(offered(world, "f1")).toBe(1.1);
});

test("MESOS-7197: a task that wants less than a thousandth of a CPU does no harm", () => {
  const world = after(World, "framework f1 --roles=a", "agent a1 cpus=1 mem=1024");
  say(world, "accept f1 o1 launch t1 cpus=0.00001 mem=32 --refuse=0");
  say(world, "tick 1001ms");
  expect(offered(world, "f1")).toBe(1);
});

test("MESOS-5279, 6308, 7566: who comes twice is there once, and goes once", () => {
  const world = after(World, "framework f1 --roles=a,b", "agent a1 cpus=4 mem=1024");
  for (const line of ["framework f1 --roles=b,a", "repeat a1", "revive f1", "revive f1 a"]) {
    say(world, line);
  }
  expect(offered(world, "f1")).toBe(4);
  for (const line of ["suppress f1", "suppress f1 a", "framework f1 --roles=a", "teardown f1"]) {
    say(world, line);
  }
  expect(world.host.state.tables.offer.size).toBe(0);
  say(world, "framework f2 --roles=a");
  expect(offered(world, "f2")).toBe(4);
});

/** What Mesos' allocator got wrong about quota, by the number in its changelog. */
import { expect, test } from "vitest";
import { World } from "../../scenarios/world.ts";
import { after, inHand, offered, quota, say } from "./words.ts";

test("MESOS-4527, 9688: what is reserved in a role's tree counts against its limit, used or not", () => {
  const world = after(World, quota("eng", { limits: { cpus: 4 } }));
  for (const name of ["f1 --roles=eng", "f2 --roles=eng/web"]) say(world, `framework ${name}`);
  say(world, "agent a1 cpus(eng/web)=3 mem(eng/web)=64");
  say(world, "agent a2 cpus=8 mem=1024");
  expect(offered(world, "f1", { agent: "a2" }) + offered(world, "f2", { agent: "a2" })).toBe(1);
  expect(offered(world, "f2", { agent: "a1" })).toBe(3);
  say(world, "agent a3 cpus(eng)=1 mem(eng)=64");
  const unreserved = () =>
    offered(world, "f1", { agent: "a2" }) + offered(world, "f2", { agent: "a2" });
  expect(unreserved()).toBe(0);
});

test("MESOS-4102: a guarantee is granted as soon as an agent joins", () => {
  const world = after(World, quota("web", { guarantees: { cpus: 2 } }));
  for (const name of ["f1 --roles=batch", "f2 --roles=web"]) say(world, `framework ${name}`);
  say(world, "agent a1 cpus=2 mem=1024");
  expect([offered(world, "f1"), offered(world, "f2")]).toEqual([0, 2]);
});

test("MESOS-7099: an agent that has more than a limit leaves is offered in part", () => {
  const world = after(World, quota("eng", { limits: { cpus: 2.5, mem: 100 } }));
  for (const line of ["framework f1 --roles=eng", "agent a1 cpus=8 mem=1024"]) say(world, line);
  expect([offered(world, "f1"), offered(world, "f1", { kind: "mem" })]).toEqual([2.5, 100]);
});

test("MESOS-7402: a limit is one for all roles below it together", () => {
  const world = after(World, quota("eng", { limits: { cpus: 5 } }));
  const names = ["f1 --roles=eng/a", "f2 --roles=eng/b/c", "f3 --roles=eng"];
  for (const name of names) say(world, `framework ${name}`);
  for (const name of ["a1", "a2", "a3"]) say(world, `agent ${name} cpus=4 mem=1024`);
  const sum = () => ["f1", "f2", "f3"].reduce((all, name) => all + offered(world, name), 0);
  expect(sum()).toBe(5);
  say(world, `decline f1 ${inHand(world, "f1")[0]} --refuse=3600`);
  say(world, "tick 1001ms");
  expect(sum()).toBe(5);
});

test("MESOS-8293: what is reserved to a role without a quota is offered to it, whatever is owed", () => {
  const world = after(World, quota("web", { guarantees: { cpus: 100 } }));
  for (const line of ["framework f1 --roles=batch", "agent a1 cpus=4 cpus(batch)=2 mem=64"]) {
    say(world, line);
  }
  expect(offered(world, "f1")).toBe(2);
});

test("MESOS-8339: what a role has reserved beyond its guarantee is not what another is guaranteed", () => {
  const world = after(World, quota("a", { guarantees: { cpus: 2 } }));
  say(world, quota("b", { guarantees: { cpus: 3 } }));
  for (const line of ["framework f1 --roles=batch", "agent a1 cpus(a)=6 cpus=4 mem=1024"]) {
    say(world, line);
  }
  expect(offered(world, "f1")).toBe(1);
});

test("MESOS-8352: who is offered his guarantee gets no more of it than leaves others theirs", () => {
  const world = after(World, quota("a", { guarantees: { cpus: 1 } }));
  say(world, quota("b", { guarantees: { cpus: 3, mem: 512 } }));
  for (const name of ["f1 --roles=a", "f2 --roles=b"]) say(world, `framework ${name}`);
  say(world, "agent a1 cpus=4 mem=1024");
  expect([offered(world, "f1"), offered(world, "f2")]).toEqual([1, 3]);
  expect(offered(world, "f2", { kind: "mem" })).toBeGreaterThanOrEqual(512);
});

test("MESOS-8604: what is reserved to a role below counts as had of the guarantee above", () => {
  const world = after(World, quota("eng", { guarantees: { cpus: 4 } }));
  for (const line of ["framework f1 --roles=batch", "agent a1 cpus(eng/web)=3 cpus=4 mem=64"]) {
    say(world, line);
  }
  expect(offered(world, "f1")).toBe(3);
});

test("MESOS-9691: what a role below has is had of the guarantee above", () => {
  const world = after(World, quota("eng", { guarantees: { cpus: 4 } }));
  say(world, "framework f1 --roles=eng/web");
  say(world, "agent a1 cpus=3 mem=1024");
  say(world, "accept f1 o1 launch t1 cpus=3 mem=32 --refuse=3600");
  say(world, "suppress f1");
  for (const line of ["framework f2 --roles=batch", "agent a2 cpus=4 mem=1024"]) say(world, line);
  expect(offered(world, "f2")).toBe(3);
});

test("MESOS-8935: what is guaranteed comes with the rest of the agent, not kind by kind", () => {
  const world = after(World, quota("web", { guarantees: { cpus: 2 } }));
  for (const line of ["framework f1 --roles=web", "agent a1 cpus=4 mem=1024"]) say(world, line);
  expect(inHand(world, "f1")).toEqual(["o1"]);
  expect([offered(world, "f1"), offered(world, "f1", { kind: "mem" })]).toEqual([4, 1_024]);
});

test("MESOS-9324: a role whose part came without ports is offered ports when some are given back", () => {
  const world = after(World, quota("a", { guarantees: { cpus: 2 }, limits: { cpus: 2 } }));
  say(world, quota("b", { guarantees: { cpus: 2 }, limits: { cpus: 2 } }));
  for (const name of ["f1 --roles=a", "f2 --roles=b"]) say(world, `framework ${name}`);
  say(world, "agent a1 cpus=4 mem=1024 ports=[31000-31009]");
  const ports = (name: string): number => offered(world, name, { kind: "ports" });
  const first = ports("f1") > 0 ? "f1" : "f2";
  const second = first === "f1" ? "f2" : "f1";
  expect([ports(first), ports(second)]).toEqual([10, 0]);
  // It refuses an offer without ports for long: one with ports is more than it refused.
  say(world, `decline ${second} ${inHand(world, second)[0]} --refuse=3600`);
  say(world, `accept ${first} ${inHand(world, first)[0]} launch t cpus=2 mem=32 --refuse=3600`);
  say(world, "tick 1001ms");
  expect([offered(world, second), ports(second)]).toEqual([2, 10]);
});

test("MESOS-10008: amounts up to the largest there are do no harm as a quota", () => {
  const most = { cpus: 10 ** 12, mem: 1_024 ** 4 };
  const world = after(World, quota("web", { guarantees: most, limits: most }));
  for (const name of ["f1 --roles=web", "f2 --roles=batch"]) say(world, `framework ${name}`);
  say(world, "agent a1 cpus=4 mem=1024");
  expect([offered(world, "f1"), offered(world, "f2")]).toEqual([4, 0]);
  const [line] = say(world, quota("web", { limits: { cpus: 10 ** 12 + 1 } }));
  expect(line).toContain("refused");
});

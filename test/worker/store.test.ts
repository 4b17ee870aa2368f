/** The store alone, inside workerd's own SQLite. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import migrations from "../../migrations/master/migrations.js";
import { agentInfo } from "../../worker/core/agent/info.ts";
import { readRefused } from "../../worker/core/offer/refused.ts";
import type { RoleRow } from "../../worker/core/rows.ts";
import { Store } from "../../worker/durable/store/store.ts";
import type { Change } from "../../worker/std/table.ts";
import { masterStub } from "./cluster.ts";

afterEach(reset);

/** A store on a disk of its own: the object's class is the relay's, which uses no SQL. */
function inStore<T>(run: (store: Store, reopen: () => Store) => T): Promise<T> {
  const stub = env.RELAY.get(env.RELAY.idFromName("a disk"));
  return runInDurableObject(stub, async (_, state) => {
    const store = new Store(state.storage);
    await store.migrate();
    return run(store, () => new Store(state.storage));
  });
}

function role(seq: number, weight: number, name = `r${seq}`): RoleRow {
  return { seq, name, weight };
}

function change(before: RoleRow | undefined, after: RoleRow | undefined): Change {
  return { table: "role", key: (after ?? before)?.name ?? "", before, after };
}

test("what is saved is loaded again, in the order of seq", async () => {
  const loaded = await inStore((store, reopen) => {
    store.save([change(undefined, role(20, 1)), change(undefined, role(3, 2))], []);
    store.save([change(role(20, 1), role(20, 5))], []);
    return reopen().load().role;
  });
  expect(loaded).toEqual([role(3, 2), role(20, 5)]);
});

test("any text survives, whatever characters it has", async () => {
  const name = "\u0000 \" \\ \n é 漢 😀 \ud800 ' %";
  const [loaded, text] = await inStore((store, reopen) => {
    store.save([change(undefined, role(1, 1, name))], []);
    store.save([], [{ table: "taskBody", number: 1, after: '{"a":"é 😀 \\n","b":Infinity}' }]);
    return [reopen().load().role, reopen().cold.get("taskBody", 1)] as const;
  });
  expect(loaded).toEqual([role(1, 1, name)]);
  expect(text).toBe('{"a":"é 😀 \\n","b":Infinity}');
});

test("a row that changes ten times in a turn is written once; one that comes and goes, never", async () => {
  const written = await inStore((store) => {
    const changes: Change[] = [change(undefined, role(1, 0))];
    for (let weight = 1; weight < 10; weight++) {
      changes.push(change(role(1, weight - 1), role(1, weight)));
    }
    changes.push(change(undefined, role(2, 1)), change(role(2, 1), undefined));
    store.save(changes, []);
    return [store.rowsWritten, store.load().role] as const;
  });
  expect(written).toEqual([1, [role(1, 9)]]);
});

test("replacing a row and deleting one cost one row each", async () => {
  const costs = await inStore((store) => {
    store.save([change(undefined, role(1, 1)), change(undefined, role(2, 1))], []);
    const first = store.rowsWritten;
    store.save([change(role(1, 1), role(1, 2))], []);
    const second = store.rowsWritten;
    store.save([change(role(2, 1), undefined)], []);
    return [first, second - first, store.rowsWritten - second];
  });
  expect(costs).toEqual([2, 1, 1]);
});

test("a key that is deleted and made again in one turn leaves one row, the new one", async () => {
  const loaded = await inStore((store) => {
    store.save([change(undefined, role(1, 1, "x"))], []);
    store.save([change(role(1, 1, "x"), undefined), change(undefined, role(7, 2, "x"))], []);
    return store.load().role;
  });
  expect(loaded).toEqual([role(7, 2, "x")]);
});

test("a store in which every offer had its own refusal is read, and written anew once", async () => {
  const cpus = (thousandths: number) =>
    [{ name: "cpus", reservations: [], kind: "SCALAR", thousandths }] as const;
  const agent = (seq: number, id: string) => {
    const hostname = `${id}.example.org`;
    const attributes = [{ name: "rack", type: "TEXT", text: { value: "r1" } }];
    return { seq, id, hostname, info: JSON.stringify({ id: { value: id }, hostname, attributes }) };
  };
  const filter = (seq: number, agentId: string, thousandths: number) => ({
    seq,
    frameworkId: "f",
    role: "web",
    agentId,
    refused: cpus(thousandths),
    cause: "DECLINED",
    createdMs: 1_000,
    expiresAtMs: 100_000,
    blocksAll: false,
  });
  const old = [
    ["agent", agent(5, "a5")],
    ["agent", agent(9, "a9")],
    ["filter", filter(20, "a9", 4_000)],
    ["filter", filter(21, "a5", 2_000)],
    ["filter", filter(22, "gone", 1_000)],
  ] as const;
  const [first, again, writes] = await inStore((store, reopen) => {
    store.save(
      old.map(([table, row]) => ({ table, key: String(row.seq), before: undefined, after: row })),
      [],
    );
    const opened = reopen();
    const loaded = opened.load();
    const second = reopen();
    return [loaded, second.load(), [opened.rowsWritten, second.rowsWritten]] as const;
  });
  const numbers = first.agent?.map(({ id, number }) => [id, number]);
  expect(numbers).toEqual([
    ["a5", 0],
    ["a9", 1],
  ]);
  const infos = first.agent?.map((row) => agentInfo(row));
  expect(infos?.map(({ id, hostname, attributes }) => [id?.value, hostname, attributes])).toEqual(
    ["a5", "a9"].map((id) => [
      id,
      `${id}.example.org`,
      [{ name: "rack", type: "TEXT", text: { value: "r1" } }],
    ]),
  );
  expect(first.agent?.[0]?.attributes).toBe(first.agent?.[1]?.attributes);
  expect(first.filter?.map((row) => [row.seq, row.expiresAtMs, readRefused(row)])).toEqual([
    [20, 100_000, [[1, cpus(4_000)]]],
    [21, 100_000, [[0, cpus(2_000)]]],
  ]);
  expect(again).toEqual(first);
  // Two agents, two refusals, and the one of an agent that is gone; and nothing any more.
  expect(writes).toEqual([5, 0]);
});

test("a short filter is not worth a row, and one that becomes short loses its row", async () => {
  const filter = (seq: number, lastsMs: number) => ({
    seq,
    frameworkId: "f",
    role: "*",
    agents: "#",
    refused: [],
    createdMs: 0,
    expiresAtMs: lastsMs,
    blocksAll: false,
  });
  const put = (before: object | undefined, after: object | undefined): Change =>
    ({ table: "filter", key: "k", before, after }) as Change;
  const [rows, written] = await inStore((store) => {
    store.save([put(undefined, filter(1, 5_000))], []);
    const short = store.rowsWritten;
    store.save([put(filter(1, 5_000), filter(1, 60_000))], []);
    const long = store.load().filter?.length;
    store.save([put(filter(1, 60_000), filter(1, 5_000))], []);
    return [[long, store.load().filter?.length], short] as const;
  });
  expect(rows).toEqual([1, 0]);
  expect(written).toBe(0);
});

test("more than one statement can take is split, up to 1.9 million characters a value", async () => {
  const counts = await inStore((store) => {
    const many = Array.from({ length: 3_000 }, (_, at) =>
      role(at + 1, 1, `${at}${"x".repeat(900)}`),
    );
    store.save(
      many.map((row) => change(undefined, row)),
      [],
    );
    const text = "y".repeat(1_900_000);
    store.save([], [{ table: "taskBody", number: 5, after: text }]);
    return [store.load().role?.length, store.cold.get("taskBody", 5)?.length];
  });
  expect(counts).toEqual([3_000, 1_900_000]);
});

test("a save that fails writes nothing of the turn", async () => {
  const loaded = await inStore((store) => {
    store.failNext();
    expect(() => store.save([change(undefined, role(1, 1))], [])).toThrow();
    return store.load().role;
  });
  expect(loaded).toEqual([]);
});

test("cold texts are scanned in the order of their numbers, and deleted ones are gone", async () => {
  const scanned = await inStore((store) => {
    const put = (number: number, after: string | undefined) =>
      ({ table: "completedTask", number, after }) as const;
    store.save([], [put(3, "c"), put(1, "a"), put(2, "b")]);
    store.save([], [put(2, undefined), put(3, "d")]);
    return [...store.cold.range("completedTask", 0, 1_000_000)];
  });
  expect(scanned).toEqual([
    [1, "a"],
    [3, "d"],
  ]);
});

test("tasks completed before each framework had a ring are forgotten, frameworks are not", async () => {
  const rows = await runInDurableObject(masterStub(), (_, { storage: { sql } }) => {
    sql.exec("INSERT INTO completed_task (number, text) VALUES (3, '{}')");
    sql.exec(`INSERT INTO completed_framework (seq, row) VALUES (7, '{"seq":7,"id":"f"}')`);
    for (const statement of (migrations.migrations.m0002 ?? "").split("--> statement-breakpoint")) {
      sql.exec(statement);
    }
    const frameworks = sql.exec<{ row: string }>("SELECT row FROM completed_framework").toArray();
    const tasks = sql.exec("SELECT number FROM completed_task").toArray();
    return { frameworks: frameworks.map(({ row }) => JSON.parse(row)), tasks };
  });
  expect(rows).toEqual({ frameworks: [{ seq: 7, id: "f", frameworkSeq: 7 }], tasks: [] });
});

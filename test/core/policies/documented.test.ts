/** The example of docs/policies.md is a policy, which compiles here and keeps the contract. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { policies } from "../../../worker/core/allocator/policies/index.ts";
import { Cluster } from "./cluster.ts";
import { memory } from "./memory.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const page = read("../../../docs/policies.md");

test("the page shows the file, as it would be in the folder of policies", () => {
  const file = read("./memory.ts")
    .replace('"../../../worker/core/allocator/policy.ts"', '"../policy.ts"')
    .replace('"../../../worker/core/allocator/policies/role-tree.ts"', '"./role-tree.ts"');
  expect(page).toContain(`\`\`\`ts\n// worker/core/allocator/policies/memory.ts\n${file}\`\`\``);
});

test("the page names every policy that there is", () => {
  for (const name of Object.keys(policies)) expect(page).toContain(`| \`${name}\``);
});

test("by memory, who has the least of it by his weight comes first, whatever else he has", () => {
  const cluster = new Cluster(memory).add("a:f1", "b:f2", "c:f3").role("c", { weight: 4 });
  cluster.give("a:f1", { cpus: 50, mem: 1 });
  cluster.give("b:f2", { cpus: 1, mem: 2 });
  cluster.give("c:f3", { cpus: 1, mem: 3 });
  expect(cluster.order()).toEqual(["c:f3", "a:f1", "b:f2"]);
});

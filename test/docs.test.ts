/** What docs/compatibility.md promises to list completely: nothing of the contract is left out. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { enumRows } from "../worker/protocol/descriptors.ts";
import { defined } from "../worker/std/assert.ts";

const page = readFileSync(new URL("../docs/compatibility.md", import.meta.url), "utf8");

test.each([
  ["Scheduler calls", "mesos.v1.scheduler.Call.Type"],
  ["Scheduler events", "mesos.v1.scheduler.Event.Type"],
  ["Offer operations", "mesos.v1.Offer.Operation.Type"],
  ["Framework capabilities", "mesos.v1.FrameworkInfo.Capability.Type"],
  ["Agent capabilities", "mesos.v1.AgentInfo.Capability.Type"],
  ["Operator calls", "mesos.v1.master.Call.Type"],
])("%s: each has one row, and no other", (heading, name) => {
  const values = Object.keys(defined(enumRows[name], `${name} is an enum`));
  expect(rowsOf(heading)).toEqual(values.filter((value) => value !== "UNKNOWN").sort());
});

/** The names in the first column of a section's table, sorted. */
function rowsOf(heading: string): readonly string[] {
  const section = defined(
    page.split(/^## /m).find((part) => part.startsWith(heading)),
    `the page has the section '${heading}'`,
  );
  return [...section.matchAll(/^\| `(\w+)` \| (?:same|better|not served) \|/gm)]
    .map(([, name = ""]) => name)
    .sort();
}

import { describe, test } from "vitest";
import { type ContainerizerKind, containerizers } from "../../../agent/containerizer/index.ts";
import { type Requirement, requirement } from "../../support/require.ts";
import { suites } from "./suite.ts";

const nothing: Requirement = { missing: false, title: (text) => text };
const needs: { readonly [K in ContainerizerKind]: Requirement } = {
  process: nothing,
  cgroups: requirement("cgroups"),
};

// `Object.keys` forgets that the keys are the table's own.
for (const kind of Object.keys(containerizers) as ContainerizerKind[]) {
  const need = needs[kind];
  describe.skipIf(need.missing)(need.title(`the ${kind} containerizer`), () => {
    for (const [rule, check] of Object.entries(suites[kind])) {
      test(rule, () => check(kind));
    }
  });
}

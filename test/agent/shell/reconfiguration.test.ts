import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  type ReconfigurationPolicy,
  reconfigurationObjection,
  reconfigure,
} from "../../../agent/shell/reconfiguration.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { renderResources } from "../../../worker/resources/render.ts";
import { parseAttributesText, parseResourcesText } from "../../../worker/resources/text.ts";
import { assert } from "../../../worker/std/assert.ts";

function info(resources: string, attributes = "", more: Partial<mesos.AgentInfo> = {}) {
  const parsed = parseResourcesText(resources);
  const named = parseAttributesText(attributes);
  assert(parsed.ok && named.ok, "the texts are in order");
  const rendered = renderResources(parsed.value, { refinedReservations: true });
  return { hostname: "h", resources: rendered, attributes: named.value, ...more };
}

const domain = (zone: string) => ({
  domain: { fault_domain: { region: { name: "r" }, zone: { name: zone } } },
});
const before = info("cpus:4;mem:1024;ports:[1-10]", "rack:r1");

describe("what a policy allows", () => {
  const cases: [string, mesos.AgentInfo, readonly ReconfigurationPolicy[]][] = [
    ["nothing changed", info("cpus:4;mem:1024;ports:[1-10]", "rack:r1"), ["additive", "equal"]],
    ["another order", info("ports:[1-10];mem:1024;cpus:4", "rack:r1"), ["additive", "equal"]],
    ["more memory", info("cpus:4;mem:2048;ports:[1-10]", "rack:r1"), ["additive"]],
    ["a new kind", info("cpus:4;mem:1024;ports:[1-10];gpus:1", "rack:r1"), ["additive"]],
    ["a thousandth less", info("cpus:3.999;mem:1024;ports:[1-10]", "rack:r1"), []],
    ["a port less", info("cpus:4;mem:1024;ports:[1-9]", "rack:r1"), []],
    ["a new attribute", info("cpus:4;mem:1024;ports:[1-10]", "rack:r1;zone:z"), ["additive"]],
    ["another attribute", info("cpus:4;mem:1024;ports:[1-10]", "rack:r2"), []],
    ["a domain", { ...before, ...domain("z1") }, ["additive"]],
    ["another name", { ...before, hostname: "i" }, []],
    ["another port", { ...before, port: 7 }, ["additive", "equal"]],
  ];
  test.each(cases)("%s", (_name, now, allowed) => {
    for (const policy of ["any", "additive", "equal"] as const) {
      const isAllowed = reconfigurationObjection(before, now, policy) === undefined;
      expect(isAllowed, policy).toBe(policy === "any" || allowed.includes(policy));
    }
  });

  test("a domain may come but not change", () => {
    const [z1, z2] = [
      { ...before, ...domain("z1") },
      { ...before, ...domain("z2") },
    ];
    expect(reconfigurationObjection(z1, z2, "additive")).toBe(
      "its domain was r/z1 and would be r/z2",
    );
    expect(reconfigurationObjection(z1, before, "additive")).toMatch(/would be none/);
  });
});

describe("across starts", () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const newFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "rimrock-reconfiguration-"));
    folders.push(folder);
    return folder;
  };

  test("what was refused is not remembered; what was taken is", () => {
    const folder = newFolder();
    expect(reconfigure(folder, before, "equal").ok).toBe(true);
    const refused = reconfigure(folder, info("cpus:5"), "additive");
    expect(refused).toMatchObject({
      error: expect.stringMatching(/were cpus:4; .* would be cpus:5, and .* or give/),
    });
    expect(reconfigure(folder, before, "equal").ok).toBe(true);
    expect(reconfigure(folder, info("cpus:5"), "any").ok).toBe(true);
    expect(reconfigure(folder, before, "equal").ok).toBe(false);
  });

  test("a torn file is as none", () => {
    const folder = newFolder();
    writeFileSync(join(folder, "agent-info.json"), '{"hostname": "');
    expect(reconfigure(folder, before, "equal").ok).toBe(true);
    expect(readFileSync(join(folder, "agent-info.json"), "utf8")).toContain('"hostname":"h"');
  });
});

/** Which agents, and what of them, the capabilities of both sides leave. */
import { expect, test } from "vitest";
import { infoTexts } from "../../../worker/core/agent/info.ts";
import { barrierOf, strip } from "../../../worker/core/allocator/eligible.ts";
import type { AgentRow, FrameworkRow } from "../../../worker/core/rows.ts";
import { defaultSettings } from "../../../worker/core/settings.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { normalize } from "../../../worker/resources/algebra.ts";
import type { Resource } from "../../../worker/resources/resource.ts";
import { domainMessage } from "../../scenarios/commands.ts";

function framework(...capabilities: mesos.FrameworkInfoCapabilityType[]): FrameworkRow {
  // Only the facts that are looked at.
  return { capabilities } as unknown as FrameworkRow;
}

function scalar(name: string, facts: Partial<Resource> = {}): Resource {
  return { name, kind: "SCALAR", thousandths: 1_000, reservations: [], ...facts } as Resource;
}

interface AgentFacts {
  readonly capabilities?: readonly mesos.AgentInfoCapabilityType[];
  readonly total?: readonly Resource[];
  readonly domain?: mesos.DomainInfo;
}

function agent({ capabilities, total = [scalar("cpus")], domain }: AgentFacts = {}): AgentRow {
  const texts = infoTexts({ hostname: "a1", domain });
  const able = capabilities ?? ["MULTI_ROLE", "HIERARCHICAL_ROLE"];
  return { ...texts, hostname: "a1", capabilities: able, total } as unknown as AgentRow;
}

const settings = { ...defaultSettings, domain: domainMessage("eu/eu-1") };

test("several roles need an agent that knows them", () => {
  const old = agent({ capabilities: [] });
  expect(barrierOf(settings, framework("MULTI_ROLE"), "web", old)).toBe("AGENT_NOT_MULTI_ROLE");
  expect(barrierOf(settings, framework(), "web", old)).toBeUndefined();
  expect(barrierOf(settings, framework("MULTI_ROLE"), "web", agent())).toBeUndefined();
});

test("a role below another needs an agent that knows of trees", () => {
  const old = agent({ capabilities: ["MULTI_ROLE"] });
  expect(barrierOf(settings, framework(), "web/blue", old)).toBe("AGENT_NOT_HIERARCHICAL");
  expect(barrierOf(settings, framework(), "web", old)).toBeUndefined();
  expect(barrierOf(settings, framework(), "web/blue", agent())).toBeUndefined();
});

test("an agent with GPUs, also used ones, is for those that want GPUs", () => {
  const withGpu = agent({ total: [scalar("cpus"), scalar("gpus")] });
  expect(barrierOf(settings, framework(), "web", withGpu)).toBe("FRAMEWORK_NOT_GPU_AWARE");
  expect(barrierOf(settings, framework("GPU_RESOURCES"), "web", withGpu)).toBeUndefined();
});

test("another region is for those that know regions, as long as the master has one itself", () => {
  const far = agent({ domain: domainMessage("us/us-1") });
  const near = agent({ domain: domainMessage("eu/eu-2") });
  expect(barrierOf(settings, framework(), "web", far)).toBe("FRAMEWORK_NOT_REGION_AWARE");
  expect(barrierOf(settings, framework("REGION_AWARE"), "web", far)).toBeUndefined();
  expect(barrierOf(settings, framework(), "web", near)).toBeUndefined();
  expect(barrierOf(settings, framework(), "web", agent())).toBeUndefined();
  expect(barrierOf(defaultSettings, framework(), "web", far)).toBeUndefined();
});

test("what a framework does not understand is left out of its offers", () => {
  const reservations = [
    { type: "STATIC", role: "web" },
    { type: "DYNAMIC", role: "web/blue" },
  ] as const;
  const plain = scalar("cpus");
  const once = scalar("cpus", { reservations: reservations.slice(0, 1) });
  const refined = scalar("cpus", { reservations });
  const revocable = scalar("cpus", { revocable: true });
  const disk = { persistence: { id: "v" }, volume: { container_path: "p", mode: "RW" } } as const;
  const shared = scalar("disk", { reservations: [reservations[0]], disk, shared: true });
  const all = normalize([plain, once, refined, revocable, shared]);
  const left = (...capabilities: mesos.FrameworkInfoCapabilityType[]) =>
    strip(framework(...capabilities), all);
  expect(left()).toEqual(normalize([plain, once]));
  expect(left("RESERVATION_REFINEMENT")).toEqual(normalize([plain, once, refined]));
  expect(left("REVOCABLE_RESOURCES")).toEqual(normalize([plain, once, revocable]));
  expect(left("SHARED_RESOURCES")).toEqual(normalize([plain, once, shared]));
  expect(left("RESERVATION_REFINEMENT", "REVOCABLE_RESOURCES", "SHARED_RESOURCES")).toEqual(all);
});

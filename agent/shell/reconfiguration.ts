/**
 * What an agent said of itself at its last start, and whether it may say something else now (Mesos'
 * reconfiguration policies, http-semantics 10.1). The master copes with any change; a policy is for
 * those who want to be told before tasks run on a machine that is not what it was.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { contains } from "../../worker/resources/algebra.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import type { Resources } from "../../worker/resources/resource.ts";
import { formatResources } from "../../worker/resources/text.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { errnoOf } from "./errno.ts";

export const reconfigurationPolicies = ["any", "additive", "equal"] as const;
export type ReconfigurationPolicy = (typeof reconfigurationPolicies)[number];

/** Remembers `info` for the next start, if it may be; the error is a sentence. */
export function reconfigure(
  metaDirectory: string,
  info: mesos.AgentInfo,
  policy: ReconfigurationPolicy,
): Result<void, string> {
  const path = join(metaDirectory, "agent-info.json");
  const before = readBefore(path);
  if (!before.ok) return before;
  const objection = before.value && reconfigurationObjection(before.value, info, policy);
  if (objection !== undefined) {
    return err(
      `${objection}, and --reconfiguration-policy ${policy} does not allow it; start the agent as it ` +
        "was, or give --reconfiguration-policy any",
    );
  }
  try {
    writeFileSync(`${path}.new`, encodeJson("mesos.v1.AgentInfo", info), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    return ok(undefined);
  } catch (cause) {
    return err(`cannot write ${path}: ${errnoOf(cause)}`);
  }
}

/** Why not, as a clause; undefined = it may. Ports may change: an agent takes what is free. */
export function reconfigurationObjection(
  before: mesos.AgentInfo,
  now: mesos.AgentInfo,
  policy: ReconfigurationPolicy,
): string | undefined {
  if (policy === "any") return undefined;
  const isEqual = policy === "equal";
  if (before.hostname !== now.hostname) {
    return `the agent was ${before.hostname} and would be ${now.hostname}`;
  }
  const [had, has] = [resourcesOf(before), resourcesOf(now)];
  if (!contains(has, had) || (isEqual && !contains(had, has))) {
    return `its resources were ${formatResources(had)} and would be ${formatResources(has)}`;
  }
  const [oldTexts, newTexts] = [attributeTexts(before), attributeTexts(now)];
  const lost = oldTexts.filter((text) => !newTexts.includes(text));
  const come = newTexts.filter((text) => !oldTexts.includes(text));
  if (lost.length > 0) return `its attribute ${lost[0]} would be gone`;
  if (isEqual && come.length > 0) return `its attribute ${come[0]} would be new`;
  const [oldDomain, newDomain] = [domainText(before), domainText(now)];
  if (oldDomain === newDomain || (!isEqual && oldDomain === undefined)) return undefined;
  return `its domain was ${oldDomain ?? "none"} and would be ${newDomain ?? "none"}`;
}

/** A file that is torn or from another time is no reason to stay away. */
function readBefore(path: string): Result<mesos.AgentInfo | undefined, string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return ok(undefined);
    return err(`cannot read ${path}: ${errnoOf(cause)}`);
  }
  const decoded = decodeJson("mesos.v1.AgentInfo", text);
  return ok(decoded.ok ? decoded.value : undefined);
}

function resourcesOf(info: mesos.AgentInfo): Resources {
  const parsed = parseResources(info.resources ?? []);
  return parsed.ok ? parsed.value : [];
}

function attributeTexts(info: mesos.AgentInfo): readonly string[] {
  return (info.attributes ?? []).map((attribute) => encodeJson("mesos.v1.Attribute", attribute));
}

function domainText({ domain }: mesos.AgentInfo): string | undefined {
  const fault = domain?.fault_domain;
  return fault && `${fault.region.name}/${fault.zone.name}`;
}

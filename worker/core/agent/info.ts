/**
 * AgentInfo, in the texts that a row has of it. What is an agent's own is in the row beside them,
 * so that agents of one kind in one place have the same texts, which are in memory once.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { Recent } from "../../std/recent.ts";
import type { AgentRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";

type InfoTexts = Pick<AgentRow, "info" | "attributes">;

/** Texts that are kept decoded: agents of one cluster have some hundred different ones. */
const KEPT = 2_000;
const decoded = new Recent<string, mesos.AgentInfo>(KEPT);

/** A row's texts of its AgentInfo. */
export function infoTexts(info: mesos.AgentInfo): InfoTexts {
  const { id: _, attributes, ...others } = info;
  const text = (part: Partial<mesos.AgentInfo>): string =>
    encodeJson("mesos.v1.AgentInfo", { ...part, hostname: "" });
  return {
    info: text(others),
    ...(attributes !== undefined && attributes.length > 0 && { attributes: text({ attributes }) }),
  };
}

/** The agent's AgentInfo, id included. */
export function agentInfo(row: AgentRow): mesos.AgentInfo {
  const { id, hostname } = row;
  const attributes = agentAttributes(row);
  return { ...decode(row.info), id: { value: id }, hostname, ...(attributes && { attributes }) };
}

/** The same list for all agents that have the same; undefined: it has none. */
export function agentAttributes({ attributes }: AgentRow): mesos.AgentInfo["attributes"] {
  return attributes === undefined ? undefined : decode(attributes).attributes;
}

/** The same message for all agents of one place; undefined: nobody said where it is. */
export function agentDomain({ info }: AgentRow): mesos.DomainInfo | undefined {
  return decode(info).domain;
}

function decode(text: string): mesos.AgentInfo {
  return decoded.of(text, (wanted) => decodeStored("mesos.v1.AgentInfo", wanted));
}

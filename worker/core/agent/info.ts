import type * as mesos from "../../protocol/v1/mesos.ts";
import type { AgentRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";

const decoded = new WeakMap<AgentRow, mesos.AgentInfo>();

/** The agent's AgentInfo, id included. Decoded once per row. */
export function agentInfo(row: AgentRow): mesos.AgentInfo {
  let info = decoded.get(row);
  if (info === undefined) {
    info = decodeStored("mesos.v1.AgentInfo", row.info);
    decoded.set(row, info);
  }
  return info;
}

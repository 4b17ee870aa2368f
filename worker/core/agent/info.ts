import type * as mesos from "../../protocol/v1/mesos.ts";
import { decodeJson } from "../../protocol/wire/json.ts";
import { assert } from "../../std/assert.ts";
import type { AgentRow } from "../rows.ts";

const decoded = new WeakMap<AgentRow, mesos.AgentInfo>();

/** The agent's AgentInfo, id included. Decoded once per row. */
export function agentInfo(row: AgentRow): mesos.AgentInfo {
  let info = decoded.get(row);
  if (info === undefined) {
    const result = decodeJson("mesos.v1.AgentInfo", row.info);
    assert(result.ok, `the stored AgentInfo of ${row.id} decodes`);
    info = result.value;
    decoded.set(row, info);
  }
  return info;
}

import type { AgentRow } from "../rows.ts";
import type { SharedValues } from "../shared-values.ts";

/**
 * The row with everything shared that other agents have too: of 50,000 rows each byte counts. Its
 * fields are named one by one, because an object that is spread has room for more.
 */
export function leanAgentRow(row: AgentRow, shared: SharedValues): AgentRow {
  return {
    seq: row.seq,
    id: row.id,
    number: row.number,
    info: shared.text(row.info),
    attributes: row.attributes === undefined ? undefined : shared.text(row.attributes),
    hostname: row.hostname,
    ip: row.ip,
    port: row.port,
    version: shared.text(row.version),
    capabilities: shared.json(row.capabilities),
    total: shared.resources(row.total),
    relayId: shared.text(row.relayId),
    sessionId: row.sessionId,
    registeredMs: row.registeredMs,
    reregisteredMs: row.reregisteredMs,
    connection: shared.json(row.connection),
    service: shared.json(row.service),
  };
}

import type * as mesos from "../../protocol/v1/mesos.ts";
import { clusterId, type MasterState } from "../state.ts";

/** The master as clients are told of it. */
export function masterInfo(state: MasterState): mesos.MasterInfo {
  const { hostname, ip, port } = state.settings.address;
  return {
    id: clusterId(state),
    ip: packIp(ip),
    port,
    pid: `master@${ip}:${port}`,
    hostname,
    version: state.settings.version,
    address: { hostname, ip, port },
    domain: state.settings.domain,
    capabilities: [{ type: "AGENT_UPDATE" }, { type: "AGENT_DRAINING" }, { type: "QUOTA_V2" }],
  };
}

/** An IPv4 address as Mesos packs it: the first byte lowest. 0 for anything else. */
export function packIp(ip: string): number {
  const bytes = ip.split(".").map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) return 0;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

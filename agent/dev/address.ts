/** What a local cluster calls itself: towards its own agents and towards frameworks. */
import { hostname } from "node:os";
import { outwardAddress } from "../discovery/machine.ts";

export const LOCAL_HOST = "127.0.0.1";

export interface ClusterAddress {
  /** For processes on this machine. */
  readonly url: string;
  /** In MasterInfo and in redirects. */
  readonly hostname: string;
  /** IPv4. */
  readonly ip: string;
}

/** `host`: what the front door listens on. */
export function clusterAddress(host: string, port: number): ClusterAddress {
  if (host === "0.0.0.0" || host === "::") {
    return { url: `http://${LOCAL_HOST}:${port}`, hostname: hostname(), ip: outwardAddress() };
  }
  const name = host.includes(":") ? `[${host}]` : host;
  const ip = /^[\d.]+$/.test(host) ? host : host === "localhost" ? LOCAL_HOST : outwardAddress();
  return { url: `http://${name}:${port}`, hostname: name, ip };
}

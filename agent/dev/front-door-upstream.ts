/**
 * The way to workerd: where it listens, and the connections that are kept for reuse.
 *
 * workerd closes a connection 5 s after its last response; one that was idle for 4 s is closed from
 * this side, so that no request is ever written into a connection that is just being closed.
 */
import { Agent, type ClientRequest, request } from "node:http";

/** Below workerd's 5 s by more than any pause of this process's event loop. */
const IDLE_MS = 4_000;
const IDLE_CONNECTIONS = 256;

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values by turns, as `IncomingMessage.rawHeaders` has them. */
  readonly rawHeaders: readonly string[];
}

export interface Upstream {
  /** The request with its head only; undefined while nobody knows where workerd listens. */
  open(head: UpstreamRequest): ClientRequest | undefined;
  moveTo(port: number): void;
  close(): void;
}

/** `port`: on the loopback interface; undefined until `moveTo`. */
export function createUpstream(port?: number): Upstream {
  // `timeout` closes idle connections only: on one in use it just emits an event nobody listens to.
  const agent = new Agent({
    keepAlive: true,
    maxFreeSockets: IDLE_CONNECTIONS,
    scheduling: "lifo",
    timeout: IDLE_MS,
  });
  let current = port;
  return {
    open: ({ method, path, rawHeaders }) => {
      if (current === undefined) return undefined;
      // Node takes the raw list as well, which keeps spelling, order and duplicates.
      const headers = rawHeaders as unknown as Record<string, string>;
      return request({ agent, host: "127.0.0.1", port: current, method, path, headers });
    },
    moveTo: (next) => {
      current = next;
    },
    close: () => agent.destroy(),
  };
}

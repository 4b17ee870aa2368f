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
  /**
   * Tells that the client of a stream has gone. Best effort: workerd notices by itself, only later.
   * `name`: what the stream's head names it by, as it stood there.
   */
  hungUp(name: StreamName): void;
  /** `key`: opens the route for `hungUp`; without one nothing is told. */
  moveTo(port: number, key?: string): void;
  close(): void;
}

/** By which of its headers an answer is known to the Worker, and what that says. */
export interface StreamName {
  readonly header: "Mesos-Stream-Id" | "Rimrock-Call-Name";
  readonly value: string;
}

/** What the Worker serves for its front door only: `worker/http/routes/front-door.ts`. */
const HANG_UP_PATH = "/front-door/v1/hang-up";

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
  let currentKey: string | undefined;
  return {
    open: ({ method, path, rawHeaders }) => {
      if (current === undefined) return undefined;
      // Node takes the raw list as well, which keeps spelling, order and duplicates.
      const headers = rawHeaders as unknown as Record<string, string>;
      return request({ agent, host: "127.0.0.1", port: current, method, path, headers });
    },
    hungUp: ({ header, value }) => {
      if (current === undefined || currentKey === undefined) return;
      const headers = { "Rimrock-Front-Door": currentKey, [header]: value };
      const options = { host: "127.0.0.1", port: current, method: "POST", path: HANG_UP_PATH };
      const told = request({ agent, ...options, headers: { ...headers, "Content-Length": 0 } });
      told.on("error", () => {});
      told.on("response", (answer) => answer.resume());
      told.end();
    },
    moveTo: (next, key) => {
      current = next;
      currentKey = key;
    },
    close: () => {
      // What ends with the front door was not ended by its client.
      currentKey = undefined;
      agent.destroy();
    },
  };
}

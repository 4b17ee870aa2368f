/** The edge in front of a cluster that does what a test says, and that notes what it was asked. */
import { createApp } from "../../worker/http/app.ts";
import type { Cluster, MasterPort, RelayPort } from "../../worker/ports.ts";

export interface Edge {
  readonly cluster: Cluster;
  /** What reached the objects: the port's method and its parameters. */
  readonly asked: readonly (readonly [string, ...unknown[]])[];
  request(path: string, init?: RequestInit): Promise<Response>;
  /** A POST of JSON; `body` as text is sent as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

interface Answers {
  readonly master?: Partial<MasterPort>;
  readonly relay?: Partial<RelayPort>;
}

/** Methods that a test does not give must not be reached. */
export function edge(answers: Answers = {}): Edge {
  const asked: (readonly [string, ...unknown[]])[] = [];
  const master = noting<MasterPort>("master", answers.master ?? {}, asked);
  const relay = noting<RelayPort>("relay", answers.relay ?? {}, asked);
  const cluster: Cluster = { master, relay: () => relay };
  const app = createApp(cluster);
  const request = async (path: string, init?: RequestInit): Promise<Response> =>
    app.request(`http://master.example:5050${path}`, init);
  const post: Edge["post"] = (path, body, headers = {}) =>
    request(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return { cluster, asked, request, post };
}

function noting<Port extends object>(
  name: string,
  given: Partial<Port>,
  asked: (readonly [string, ...unknown[]])[],
): Port {
  // A stand-in for every method of the port: those that were not given throw when they are reached.
  return new Proxy(given, {
    get: (target, method) => {
      const answer: unknown = Reflect.get(target, method);
      return async (...parameters: unknown[]) => {
        asked.push([`${name}.${String(method)}`, ...parameters]);
        if (typeof answer !== "function")
          throw new Error(`${name}.${String(method)} is not expected`);
        return Reflect.apply(answer, undefined, parameters);
      };
    },
  }) as Port;
}

export const accepted = { type: "REPLIED", reply: { type: "ACCEPTED" } } as const;

/** Status and body of an answer in one value. */
export async function outcome(answer: Response | Promise<Response>): Promise<[number, string]> {
  const response = await answer;
  return [response.status, await response.text()];
}

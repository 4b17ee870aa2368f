/** Front doors before stand-ins for workerd, within one process. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createFrontDoor, type FrontDoorOptions } from "../../agent/dev/front-door.ts";
import { createUpstream } from "../../agent/dev/front-door-upstream.ts";
import { RawConnection } from "./raw-connection.ts";

export const MAX_REQUEST_BYTES = 100_000;

const cleanUps: (() => void)[] = [];

/** For `afterEach`. */
export function closeDoors(): void {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
}

export async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  cleanUps.push(() => {
    server.close();
    server.closeAllConnections();
  });
  // A server that listens on TCP has an AddressInfo.
  return (server.address() as AddressInfo).port;
}

/**
 * A stand-in for workerd: as workerd does, it closes a connection 5 s after its last response,
 * without announcing that (Node's own `keepAliveTimeout` would).
 */
export function standIn(listener: RequestListener): Server {
  const server = createServer({ keepAliveTimeout: 0 });
  server.maxHeadersCount = 0;
  const idle = new WeakMap<Socket, NodeJS.Timeout>();
  server.on("request", (request, response) => {
    const { socket } = request;
    clearTimeout(idle.get(socket));
    response.on("finish", () => {
      idle.set(
        socket,
        setTimeout(() => socket.destroy(), 5_000),
      );
    });
    listener(request, response);
  });
  return server;
}

/** The port of a front door before `upstreamPort`. */
export async function doorTo(
  upstreamPort: number,
  options: Partial<FrontDoorOptions> = {},
): Promise<number> {
  const upstream = createUpstream(upstreamPort);
  cleanUps.push(() => upstream.close());
  return await listen(
    createFrontDoor({
      upstream,
      maxRequestBytes: MAX_REQUEST_BYTES,
      maxRecordBytes: 1_000_000,
      unavailableWaitMs: 300,
      headTimeoutMs: 60_000,
      requestTimeoutMs: 60_000,
      lingerMs: 5_000,
      ...options,
    }),
  );
}

export async function doorBefore(
  listener: RequestListener,
  options: Partial<FrontDoorOptions> = {},
): Promise<number> {
  return await doorTo(await listen(standIn(listener)), options);
}

export async function connect(port: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  cleanUps.push(() => connection.close());
  return connection;
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return text;
}

/** A port on which nothing listens. */
export async function unusedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * A forward proxy as companies have them: tunnels by CONNECT, plain HTTP whole. Whatever name it is
 * asked for, it goes to this machine, so that tests can use names that only the proxy knows.
 */
import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface TestProxy {
  readonly url: string;
  /** What it was asked for: "CONNECT host:port" or "GET http://host:port/path". */
  readonly asked: readonly string[];
  /** Credentials that came with the requests, as they were sent. */
  readonly credentials: readonly string[];
  close(): Promise<void>;
}

export async function startProxy(): Promise<TestProxy> {
  const asked: string[] = [];
  const credentials: string[] = [];
  const sockets = new Set<Duplex>();
  const note = (line: string, authorization: string | undefined): void => {
    asked.push(line);
    if (authorization !== undefined) credentials.push(authorization);
  };
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "");
    note(`${incoming.method} ${url.href}`, incoming.headers["proxy-authorization"]);
    const { method, headers } = incoming;
    const path = `${url.pathname}${url.search}`;
    const onward = httpRequest(
      { host: "127.0.0.1", port: url.port, method, headers, path },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, client: Duplex) => {
    note(`CONNECT ${incoming.url}`, incoming.headers["proxy-authorization"]);
    const port = Number(incoming.url?.split(":").at(-1));
    const onward = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(client);
      client.pipe(onward);
    });
    onward.on("error", () => client.destroy());
    client.on("error", () => onward.destroy());
    client.on("close", () => onward.destroy());
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // `listen` on TCP gives an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    credentials,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

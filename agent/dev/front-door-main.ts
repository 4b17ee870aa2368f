/**
 * The front door's process. Started by the supervisor only; ends, and cleans up, when that is gone.
 */
import type { AddressInfo } from "node:net";
import { REQUEST_BYTES } from "../../worker/protocol/limits.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { createFrontDoor } from "./front-door.ts";
import type { FromFrontDoor, ToFrontDoor, Ward } from "./front-door-messages.ts";
import { createUpstream } from "./front-door-upstream.ts";
import { cleanUpWards } from "./wards.ts";

/** workerd starts again in a fraction of this. */
const UNAVAILABLE_WAIT_MS = 1_500;
/** As Node's own servers have them: a slow uplink needs minutes for the largest body. */
const HEAD_TIMEOUT_MS = 60_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** A client that sends 100 MB before it looks for an answer gets them through in less. */
const LINGER_MS = 30_000;
/** Events and records of logs stay far below; a snapshot of a large state passes in pieces. */
const MAX_RECORD_BYTES = 8 * 1024 * 1024;

const upstream = createUpstream();
const server = createFrontDoor({
  upstream,
  maxRequestBytes: REQUEST_BYTES,
  maxRecordBytes: MAX_RECORD_BYTES,
  unavailableWaitMs: UNAVAILABLE_WAIT_MS,
  headTimeoutMs: HEAD_TIMEOUT_MS,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  lingerMs: LINGER_MS,
});
let wards: readonly Ward[] = [];

server.on("listening", () => {
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  tell({ kind: "LISTENING", port });
});
server.on("error", (error: NodeJS.ErrnoException) => {
  tell({ kind: "FAILED", errno: error.code ?? error.message });
  process.exitCode = 1;
  process.disconnect();
});

process.on("message", (message) => {
  // The other end of this channel is our own supervisor.
  const order = message as ToFrontDoor;
  switch (order.kind) {
    case "LISTEN":
      server.listen(order.port, order.host);
      return;
    case "UPSTREAM":
      upstream.moveTo(order.port, order.key);
      return;
    case "WARDS":
      wards = order.wards;
      return;
    default:
      unreachable(order);
  }
});

process.on("disconnect", () => {
  upstream.close();
  server.close();
  server.closeAllConnections();
  void cleanUpWards(wards).then(() => process.exit());
});

function tell(message: FromFrontDoor): void {
  process.send?.(message);
}

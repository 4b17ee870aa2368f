/**
 * Which answers are gzipped on their way out: what Mesos gzips, plain bodies of a kilobyte and more
 * for a client that takes them. Event streams never are: their records would wait for a full block.
 */
import type { IncomingMessage } from "node:http";
import { acceptsGzip, GZIP_LEAST_BYTES } from "../shell/accepts-gzip.ts";

export function isToBeGzipped(request: IncomingMessage, answer: IncomingMessage): boolean {
  const { headers, statusCode } = answer;
  // Only a stream has no length.
  const length = Number(headers["content-length"] ?? 0);
  return (
    statusCode === 200 &&
    length >= GZIP_LEAST_BYTES &&
    headers["content-encoding"] === undefined &&
    request.method !== "HEAD" &&
    acceptsGzip(request.headers["accept-encoding"])
  );
}

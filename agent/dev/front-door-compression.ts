/**
 * Which answers are gzipped on their way out: what Mesos gzips, plain bodies of a kilobyte and more
 * for a client that takes them. Event streams never are: their records would wait for a full block.
 */
import type { IncomingMessage } from "node:http";

const LEAST_BYTES = 1_024;

export function isToBeGzipped(request: IncomingMessage, answer: IncomingMessage): boolean {
  const { headers, statusCode } = answer;
  // Only a stream has no length.
  const length = Number(headers["content-length"] ?? 0);
  return (
    statusCode === 200 &&
    length >= LEAST_BYTES &&
    headers["content-encoding"] === undefined &&
    request.method !== "HEAD" &&
    takesGzip(request.headers["accept-encoding"])
  );
}

/** `accept`: the Accept-Encoding header. A name with `q=0` is one that is not wanted. */
function takesGzip(accept: string | string[] | undefined): boolean {
  return String(accept ?? "")
    .split(",")
    .some((item) => {
      const [name = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
      const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
      return name === "gzip" && !refused;
    });
}

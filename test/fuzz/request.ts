/** One request as data: so that it can be made twice, printed, and left out. */

export interface FuzzRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
  /** What the virtual clock does before it, ms. */
  readonly advanceMs: number;
  /** Of the cluster's turns, and of nothing else. */
  readonly seed: number;
  /** The body comes in pieces and does not tell its length. */
  readonly isChunked: boolean;
}

/** Characters of path and headers together: what the front door lets in, and the edge less. */
const HEAD_MOST = 16 * 1024;

const HOST = "http://master.example:5050";

/** Undefined: the platform itself makes no such request. */
export function platformRequest(request: FuzzRequest): Request | undefined {
  const { method, path, headers, body, isChunked } = request;
  if (path.length + headers.join().length > HEAD_MOST) return undefined;
  try {
    const all = new Headers();
    for (const [name, value] of headers) all.append(name, value);
    const hasBody = body !== undefined && method !== "GET" && method !== "HEAD";
    if (!hasBody) return new Request(HOST + path, { method, headers: all });
    if (!isChunked) all.set("Content-Length", String(body.byteLength));
    const sent: NonNullable<RequestInit["body"]> = isChunked
      ? inPieces(body)
      : new Blob([new Uint8Array(body)]);
    const init = { method, headers: all, body: sent, duplex: "half" } as const;
    return new Request(HOST + path, init);
  } catch {
    return undefined;
  }
}

function inPieces(body: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      const middle = body.length >> 1;
      for (const piece of [body.subarray(0, middle), body.subarray(middle)]) {
        if (piece.length > 0) controller.enqueue(piece);
      }
      controller.close();
    },
  });
}

/** As it can be read, and pasted: text where it is text, base64 where it is not. */
export function requestText(request: FuzzRequest): string {
  const { method, path, headers, body, advanceMs, isChunked } = request;
  const lines = [
    ...(advanceMs > 0 ? [`(after ${advanceMs} ms)`] : []),
    `${method} ${path}${isChunked ? " (chunked)" : ""}`,
    ...headers.map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
  ];
  if (body !== undefined) lines.push(bodyText(body));
  return lines.join("\n");
}

function bodyText(body: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    if (![...text].some((character) => character < " " && !"\t\r\n".includes(character)))
      return text;
  } catch {
    // It is no UTF-8.
  }
  return `base64 ${Buffer.from(body).toString("base64")}`;
}

/** One file by HTTP or HTTPS. */
import type { FileHandle } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { Outward } from "../../outward/outward.ts";

export interface DownloadLimits {
  /** Without a byte for this long it has stalled. */
  readonly stallMs: number;
  readonly bytesMax: number;
  readonly redirectsMax: number;
}

export interface DownloadOptions {
  readonly limits: DownloadLimits;
  readonly signal: AbortSignal;
  readonly outward: Outward;
  /** Told of every piece: bytes so far, and of how many as far as the server says. */
  readonly progress?: (bytes: number, total: number | undefined) => void;
}

/** The error is a clause. */
export async function download(
  from: URL,
  file: FileHandle,
  { limits, signal, outward, progress }: DownloadOptions,
): Promise<Result<void, string>> {
  let url = from;
  for (let redirects = 0; redirects <= limits.redirectsMax; redirects++) {
    const stall = { happened: false };
    const answered = await ask(url, { stall, stallMs: limits.stallMs, signal, outward });
    if (!answered.ok) return answered;
    const response = answered.value;
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status >= 300 && status < 400 && location !== undefined) {
      response.destroy();
      const next = redirected(url, location);
      if (!next.ok) return next;
      url = next.value;
      continue;
    }
    if (status === 200) {
      const length = response.headers["content-length"];
      const total = length === undefined ? undefined : Number(length);
      const written = await writeBounded(response, file, {
        bytesMax: limits.bytesMax,
        progress: (bytes) => progress?.(bytes, total),
      });
      // Its readers are told only that the connection broke.
      return stall.happened ? err(stalled(limits.stallMs)) : written;
    }
    response.destroy();
    return err(`HTTP ${status}`);
  }
  return err(`it was redirected more than ${limits.redirectsMax} times`);
}

/** The error is a clause. */
export async function writeBounded(
  from: Readable,
  file: FileHandle,
  options: { readonly bytesMax: number; readonly progress?: (bytes: number) => void },
): Promise<Result<void, string>> {
  const { bytesMax, progress } = options;
  let bytes = 0;
  try {
    for await (const chunk of from) {
      bytes += chunk.length;
      if (bytes > bytesMax) return err(`it has more than ${bytesMax} bytes`);
      // All of it, behind what is there.
      await file.appendFile(chunk);
      progress?.(bytes);
    }
    return ok(undefined);
  } catch (cause) {
    return err(whyFailed(cause));
  }
}

function ask(
  url: URL,
  options: {
    readonly stall: { happened: boolean };
    readonly stallMs: number;
    readonly signal: AbortSignal;
    readonly outward: Outward;
  },
): Promise<Result<IncomingMessage, string>> {
  const { stall, stallMs, signal, outward } = options;
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  // The bytes as they are: what is compressed is named so, and its name says what to do with it.
  const headers = { accept: "*/*", "accept-encoding": "identity", "user-agent": "rimrock-agent" };
  return new Promise((resolve) => {
    const agent = outward.agentFor(url);
    const asked = request(url, { headers, signal, agent, timeout: stallMs });
    asked.once("timeout", () => {
      stall.happened = true;
      asked.destroy(new Error(stalled(stallMs)));
    });
    // After the response's head these reach its readers as well.
    asked.on("error", (cause) => resolve(err(whyFailed(cause))));
    asked.once("response", (response) => resolve(ok(response)));
    asked.end();
  });
}

function stalled(ms: number): string {
  return `not a byte came for ${ms / 1_000} s`;
}

function redirected(from: URL, location: string): Result<URL, string> {
  if (!URL.canParse(location, from.href)) return err(`it is redirected to '${location}', no URL`);
  const url = new URL(location, from);
  if (url.protocol === "http:" || url.protocol === "https:") return ok(url);
  return err(`it is redirected to '${url.protocol}', which this agent does not follow`);
}

function whyFailed(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : undefined;
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE") {
    return "the connection broke before its end";
  }
  return code ?? cause.message;
}

/** An HTTP check: a GET, redirects followed; whoever answers need not prove who it is. */
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import type { CheckResult } from "../core/check-result.ts";
import type { HttpCheck } from "./definition.ts";

/** As many as a browser follows. */
const REDIRECTS_MAX = 20;

export async function checkHttp(
  { scheme, host, port, path }: HttpCheck,
  signal: AbortSignal,
): Promise<CheckResult> {
  const name = host.includes(":") ? `[${host}]` : host;
  let url = new URL(`${scheme}://${name}:${port}${path}`);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await get(url, signal);
    if ("why" in answer) return { kind: "NONE", why: `${answer.why} at ${url.origin}` };
    const { status, location } = answer;
    const next = status >= 300 && status < 400 ? location : undefined;
    if (next === undefined || !URL.canParse(next, url.href))
      return { kind: "STATUS_CODE", code: status };
    url = new URL(next, url);
    if (!/^https?:$/.test(url.protocol)) return { kind: "STATUS_CODE", code: status };
  }
  return { kind: "NONE", why: `more than ${REDIRECTS_MAX} redirects, the last one to ${url.href}` };
}

type Outcome =
  | { readonly status: number; readonly location: string | undefined }
  | { readonly why: string };

function get(url: URL, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const failed = (cause: NodeJS.ErrnoException): void => resolve({ why: wordsOf(cause, signal) });
    const answered = (answer: IncomingMessage): void => {
      const { statusCode, headers } = answer;
      // How long the body is is the task's affair.
      answer.destroy();
      resolve({ status: statusCode ?? 0, location: headers.location });
    };
    const headers = { "User-Agent": "rimrock-agent" };
    const request =
      url.protocol === "https:"
        ? tlsRequest(
            url.href,
            { signal, headers, agent: false, rejectUnauthorized: false },
            answered,
          )
        : plainRequest(url.href, { signal, headers, agent: false }, answered);
    request.on("error", failed);
    request.end();
  });
}

/** `cause`: of a connection that failed, or that `signal` ended. */
export function wordsOf(cause: NodeJS.ErrnoException, signal: AbortSignal): string {
  if (signal.aborted) return "no answer in time";
  return cause.code === "ECONNREFUSED" ? "connection refused" : (cause.code ?? cause.message);
}

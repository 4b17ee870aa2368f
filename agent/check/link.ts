/** Whether the control plane can be reached from here, through whatever stands between. */

import { proxyFor, proxyShown } from "../outward/outward.ts";
import { outwardTransport } from "../outward/transport.ts";
import type { Check, Finding } from "./check.ts";

const TIMEOUT_MS = 10_000;
/** Certificates, tokens and logs begin to suffer beyond this. */
const CLOCK_SKEW_MS = 60_000;

export const linkCheck: Check = {
  title: "control plane",
  run: async ({ config }): Promise<Finding> => {
    const { master } = config;
    const proxy = proxyFor(master);
    const through = proxy === undefined ? "" : ` through the proxy ${proxyShown(proxy)}`;
    const where = `${master.href.replace(/\/$/, "")}${through}`;
    const url = new URL(`${master.pathname.replace(/\/+$/, "")}/health`, master);
    const beganMs = Date.now();
    try {
      const transport = outwardTransport(config.certificates);
      const answer = await transport.send(new Request(url), AbortSignal.timeout(TIMEOUT_MS));
      await answer.arrayBuffer();
      const tookMs = Date.now() - beganMs;
      if (!answer.ok) {
        const advice = "is this the URL of a Rimrock control plane?";
        return { state: "FAILED", detail: `${where} answers ${answer.status}`, advice };
      }
      return { state: "OK", detail: `${where}, ${tookMs} ms${skewOf(answer)}` };
    } catch (cause) {
      return { state: "FAILED", detail: `${where}: ${whyOf(cause)}`, advice: adviceFor(cause) };
    }
  },
};

function skewOf(answer: Response): string {
  const theirs = Date.parse(answer.headers.get("date") ?? "");
  const skewMs = Date.now() - theirs;
  if (Number.isNaN(theirs) || Math.abs(skewMs) < CLOCK_SKEW_MS) return "";
  const side = skewMs > 0 ? "ahead of" : "behind";
  return `; this machine's clock is ${Math.round(Math.abs(skewMs) / 1_000)} s ${side} its own`;
}

function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // `fetch` tells the reason as the cause of a TypeError.
  const inner = cause.cause instanceof Error ? cause.cause : cause;
  return "code" in inner ? String(inner.code) : inner.name;
}

function whyOf(cause: unknown): string {
  if (codeOf(cause) === "TimeoutError" || codeOf(cause) === "23") {
    return `no answer within ${TIMEOUT_MS / 1_000} s`;
  }
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message || codeOf(inner) : String(inner);
}

function adviceFor(cause: unknown): string {
  const code = codeOf(cause);
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/.test(code)) {
    return "give the certificate of your own authority with --ca FILE";
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return "check the name; behind a proxy set HTTPS_PROXY";
  }
  return "check that it is up and that a firewall lets this machine out; behind a proxy set HTTPS_PROXY";
}

/**
 * How connections leave this machine: through the proxy that the environment names, trusting the
 * certificates that the operator gave. `node:http` ignores both by itself.
 *
 * 1. HTTPS goes through a proxy by CONNECT, so that it never sees more than the host's name; plain
 * HTTP is handed to it whole. 2. What is on this machine is never proxied: whoever sets HTTP_PROXY
 * for the world does not mean 127.0.0.1, and no proxy could reach it.
 */
import { readFileSync } from "node:fs";
import { type AgentOptions, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { rootCertificates } from "node:tls";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

export interface OutwardOptions {
  /** PEM; trusted besides the public ones and those of NODE_EXTRA_CA_CERTS. */
  readonly certificates?: string | undefined;
  /** Connections are kept for the next request. */
  readonly keepAlive: boolean;
}

export class Outward {
  readonly #options: AgentOptions;
  readonly #ca: string[] | undefined;
  /** By protocol and proxy. */
  readonly #agents = new Map<string, HttpAgent>();

  constructor({ certificates, keepAlive }: OutwardOptions) {
    this.#options = { keepAlive };
    // `ca` replaces what Node trusts by itself, so all of that has to be named again.
    this.#ca =
      certificates === undefined
        ? undefined
        : [...rootCertificates, ...extraCertificates(), certificates];
  }

  /** For `request` of node:http or node:https, as the URL's protocol is. */
  agentFor(url: URL): HttpAgent {
    const proxy = proxyFor(url);
    const key = `${url.protocol} ${proxy ?? ""}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = this.#create(url.protocol === "https:", proxy);
    this.#agents.set(key, agent);
    return agent;
  }

  /** Ends the connections that are kept. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #create(secure: boolean, proxy: string | undefined): HttpAgent {
    const trust = this.#ca === undefined ? {} : { ca: this.#ca };
    if (proxy === undefined) {
      return secure ? new HttpsAgent({ ...this.#options, ...trust }) : new HttpAgent(this.#options);
    }
    // The certificates are for the proxy itself here, should it be reached by https.
    if (!secure) return new HttpProxyAgent(proxy, { ...this.#options, ...trust });
    const agent = new HttpsProxyAgent(proxy, { ...this.#options, ...trust });
    // It passes only its request's own options on to the TLS connection inside the tunnel.
    if (this.#ca !== undefined) Object.assign(agent.options, trust);
    return agent;
  }
}

/** The proxy that the environment names for this URL, its password included; undefined: none. */
export function proxyFor(url: URL): string | undefined {
  if (isThisMachine(url.hostname)) return undefined;
  return getProxyForUrl(url.href) || undefined;
}

/** A proxy as it may be shown: without its password. */
export function proxyShown(proxy: string): string {
  if (!URL.canParse(proxy)) return proxy;
  const url = new URL(proxy);
  if (url.password !== "") url.password = "***";
  return url.href.replace(/\/$/, "");
}

export function isThisMachine(hostname: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** Node reads that file at its start; one that cannot be read it has told about by now. */
function extraCertificates(): string[] {
  const path = process.env.NODE_EXTRA_CA_CERTS;
  if (path === undefined || path === "") return [];
  try {
    return [readFileSync(path, "utf8")];
  } catch {
    return [];
  }
}

/**
 * What a machine needs to become an agent: the script that installs it, and the agent's one file,
 * which the deployment carries as an asset.
 */
import type { EdgeContext } from "../context.ts";
import { installScript } from "../install-script.ts";
import { cannotInstall, methodNotAllowed, textAnswer } from "../respond.ts";

export const AGENT_FILE_PATH = "/agent/rimrock-agent.mjs";
export const INSTALL_PATH = "/agent/install";

/** Serves the files that came with the deployment. */
export interface Assets {
  fetch(request: Request): Promise<Response>;
}

type Route = (context: EdgeContext) => Promise<Response>;

export function agentFileRoute(assets: Assets | undefined): Route {
  return async ({ req: { raw } }) => {
    if (!isRead(raw)) return methodNotAllowed(raw.method, "GET");
    const file = await agentFile(assets);
    if (file === undefined) return cannotInstall("NO_AGENT_FILE");
    return new Response(file, {
      headers: { "Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache" },
    });
  };
}

/** The script is made for the address by which the caller found us. */
export function installRoute(assets: Assets | undefined): Route {
  return async ({ req: { raw } }) => {
    if (!isRead(raw)) return methodNotAllowed(raw.method, "GET");
    const { origin, host } = new URL(raw.url);
    // It becomes part of a script that somebody runs as root.
    if (!/^[A-Za-z0-9.-]+(:\d+)?$|^\[[0-9A-Fa-f:]+\](:\d+)?$/.test(host)) {
      return cannotInstall("ODD_HOST");
    }
    const file = await agentFile(assets);
    if (file === undefined) return cannotInstall("NO_AGENT_FILE");
    const digest = hexadecimal(await crypto.subtle.digest("SHA-256", file));
    const script = installScript({ controlPlane: origin, digest });
    return textAnswer(200, script, {
      "Content-Type": "text/x-shellscript; charset=utf-8",
      "Cache-Control": "no-cache",
    });
  };
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

/** Under a name of its own, so that no part of the caller's request reaches the assets. */
async function agentFile(assets: Assets | undefined): Promise<ArrayBuffer | undefined> {
  const answer = await assets?.fetch(new Request(`https://assets${AGENT_FILE_PATH}`));
  if (answer?.ok === true) return await answer.arrayBuffer();
  await answer?.body?.cancel();
  return undefined;
}

function hexadecimal(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

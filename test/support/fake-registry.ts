/**
 * A registry of images on loopback that speaks enough of the distribution protocol for a Docker
 * daemon to pull from it. What it does with a repository is in its name:
 *
 *   public/*   anybody gets it            private/*  only `user` with `pass:word`
 *   slow/*     never comes                limited/*  too many requests
 *   late/*     never comes to who asks first, and to everybody later
 *   anything else                         is not there
 *
 * Protocol: https://distribution.github.io/distribution/spec/api/
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

export const REGISTRY_USER = "user";
export const REGISTRY_PASSWORD = "pass:word";

export interface FakeRegistry {
  /** Like "127.0.0.1:40123". */
  readonly host: string;
  readonly digest: string;
  /** Paths asked for, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

interface Blob {
  readonly type: string;
  readonly bytes: Buffer;
}

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** `layer`: the image's files, as tar. */
export async function startFakeRegistry(layer: Buffer): Promise<FakeRegistry> {
  const zipped = gzipSync(layer, { level: 1 });
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux" },
      config: { Cmd: ["/bin/sh", "-c", "echo its own"], Env: ["PATH=/bin"] },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    }),
  );
  const part = (type: string, bytes: Buffer) => ({
    ...{ mediaType: `application/vnd.docker.${type}`, size: bytes.length, digest: digestOf(bytes) },
  });
  const manifest = Buffer.from(
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: MANIFEST },
      config: part("container.image.v1+json", config),
      layers: [part("image.rootfs.diff.tar.gzip", zipped)],
    }),
  );
  const blobs = new Map<string, Blob>([
    [digestOf(config), { type: "application/octet-stream", bytes: config }],
    [digestOf(zipped), { type: "application/octet-stream", bytes: zipped }],
    [digestOf(manifest), { type: MANIFEST, bytes: manifest }],
  ]);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const isFirst = !asked.some((one) => one.includes("/manifests/") && one === path);
    asked.push(path);
    if (isFirst && /^\/v2\/late\/.*\/manifests\//.test(path)) return;
    answer(request, response, { blobs, manifest: digestOf(manifest) });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    ...{ host: `127.0.0.1:${port}`, digest: digestOf(manifest), asked },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  image: {
    readonly blobs: ReadonlyMap<string, Blob>;
    readonly manifest: string;
  },
): void {
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  if (url.pathname === "/token") {
    token(request, response);
    return;
  }
  const named = /^\/v2\/([^/]+)\/[^/]+\/(manifests|blobs)\/(.+)$/.exec(url.pathname);
  const [, kind = "", , reference = ""] = named ?? [];
  const isLetIn = request.headers.authorization === "Bearer let-in";
  const isPing = named === null && url.pathname === "/v2/";
  if ((isPing || kind === "private") && !isLetIn) {
    response.setHeader(
      "www-authenticate",
      `Bearer realm="http://${url.host}/token",service="fake"`,
    );
    refuse(response, 401, "UNAUTHORIZED", "authentication required");
    return;
  }
  if (isPing) {
    reply(response, 200, {});
    return;
  }
  // What the daemon has of another repository would be enough for it.
  if (kind === "slow") return;
  if (kind === "limited") {
    refuse(response, 429, "TOOMANYREQUESTS", "rate limit exceeded");
    return;
  }
  const isThere = ["public", "private", "late"].includes(kind);
  const isTag = reference === "1" || reference === "latest";
  const blob = isThere ? image.blobs.get(isTag ? image.manifest : reference) : undefined;
  if (blob === undefined) {
    refuse(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    return;
  }
  const digest = isTag ? image.manifest : reference;
  const length = blob.bytes.length;
  response.writeHead(200, {
    ...{ "content-type": blob.type, "content-length": length, "docker-content-digest": digest },
  });
  if (request.method === "HEAD") response.end();
  else response.end(blob.bytes);
}

/** Anybody gets a token; one that lets in only whoever says who they are. */
function token(request: IncomingMessage, response: ServerResponse): void {
  const given = request.headers.authorization;
  const pair = Buffer.from(`${REGISTRY_USER}:${REGISTRY_PASSWORD}`).toString("base64");
  if (given !== undefined && given !== `Basic ${pair}`) {
    refuse(response, 401, "UNAUTHORIZED", "incorrect username or password");
    return;
  }
  reply(response, 200, { token: given === undefined ? "nobody" : "let-in" });
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  reply(response, status, { errors: [{ code, message }] });
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

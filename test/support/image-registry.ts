/**
 * A registry of images on loopback for the agent's own client: with tokens, lists of platforms,
 * both families of media types, and mistakes that are asked for.
 *
 *   private/*   only for USER with PASSWORD, by a token    basic/*   the same without tokens
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

export const USER = "user";
export const PASSWORD = "pass:word";
const TOKEN = "let-in";

export interface TestImage {
  /** Not compressed, the lowest first. */
  readonly layers: readonly Buffer[];
  readonly config?: Readonly<Record<string, unknown>>;
  /** Absent: compressed with gzip. */
  readonly compress?: (layer: Buffer) => Buffer;
  /** OCI's names, within a list of platforms. */
  readonly isOci?: boolean;
  readonly architecture?: string;
}

export interface ImageRegistry {
  /** Like "127.0.0.1:40123". */
  readonly host: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
  /** Answers in place of the registry; true: it has. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** `name`: like "public/shell:1". Its digest. */
  push(name: string, image: TestImage): string;
  /** What a path has, like "sha256:…". */
  readonly blobs: Map<string, Buffer>;
  close(): Promise<void>;
}

export async function startImageRegistry(): Promise<ImageRegistry> {
  const blobs = new Map<string, Buffer>();
  const types = new Map<string, string>();
  const tags = new Map<string, string>();
  const keep = (bytes: Buffer, type = "application/octet-stream"): string => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    types.set(digest, type);
    return digest;
  };
  const registry: Omit<ImageRegistry, "host"> = {
    ...{ asked: [], blobs, intercept: undefined },
    push: (name, image) => {
      const digest = pushed(image, keep);
      tags.set(name, digest);
      return digest;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  const server = createServer((request, response) => {
    registry.asked.push(request.url ?? "");
    if (registry.intercept?.(request, response) === true) return;
    answer(request, response, { blobs, types, tags });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(registry, { host: `127.0.0.1:${port}` });
}

function pushed(image: TestImage, keep: (bytes: Buffer, type?: string) => string): string {
  const { layers, config = {}, compress = gzipSync, isOci = false } = image;
  const architecture = image.architecture ?? (process.arch === "x64" ? "amd64" : process.arch);
  const family = isOci ? "application/vnd.oci.image" : "application/vnd.docker";
  const describe = (mediaType: string, bytes: Buffer) => ({
    ...{ mediaType, size: bytes.length, digest: keep(bytes, mediaType) },
  });
  const configBytes = json({
    ...{ architecture, os: "linux", config },
    rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
  });
  const type = isOci ? `${family}.manifest.v1+json` : `${family}.distribution.manifest.v2+json`;
  const manifest = json({
    ...{ schemaVersion: 2, mediaType: type },
    config: describe(
      isOci ? `${family}.config.v1+json` : `${family}.container.image.v1+json`,
      configBytes,
    ),
    layers: layers.map((layer) =>
      describe(
        isOci ? `${family}.layer.v1.tar+gzip` : `${family}.image.rootfs.diff.tar.gzip`,
        compress(layer),
      ),
    ),
  });
  if (!isOci) return keep(manifest, type);
  const index = json({
    schemaVersion: 2,
    manifests: [
      { ...describe(type, json({})), platform: { os: "linux", architecture: "s390x" } },
      { ...describe(type, manifest), platform: { os: "linux", architecture } },
    ],
  });
  return keep(index, "application/vnd.oci.image.index.v1+json");
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  content: {
    readonly blobs: ReadonlyMap<string, Buffer>;
    readonly types: ReadonlyMap<string, string>;
    readonly tags: ReadonlyMap<string, string>;
  },
): void {
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  const { authorization } = request.headers;
  const basic = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
  if (url.pathname === "/token") {
    if (authorization !== undefined && authorization !== basic) {
      refuse(response, 401, "UNAUTHORIZED");
      return;
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ token: authorization === undefined ? "nobody" : TOKEN }));
    return;
  }
  const [, repository = "", kind, reference = ""] =
    /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? [];
  if (repository.startsWith("private/") && authorization !== `Bearer ${TOKEN}`) {
    const realm = `http://${url.host}/token`;
    const challenge = `Bearer realm="${realm}",service="test",scope="repository:${repository}:pull"`;
    response.setHeader("www-authenticate", challenge);
    refuse(response, 401, "UNAUTHORIZED");
    return;
  }
  if (repository.startsWith("basic/") && authorization !== basic) {
    response.setHeader("www-authenticate", 'Basic realm="test"');
    refuse(response, 401, "UNAUTHORIZED");
    return;
  }
  const digest = content.tags.get(`${repository}:${reference}`) ?? reference;
  const blob = content.blobs.get(digest);
  if (blob === undefined) {
    refuse(response, 404, kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN");
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? "0");
  const bytes = blob.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    "content-type": content.types.get(digest),
    "content-length": bytes.length,
  });
  response.end(bytes);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] }));
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * Names of images: `[registry/]path[:tag][@digest]`, as Docker reads them.
 * Source: https://github.com/distribution/reference (grammar in `reference.go`).
 */
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { DockerError } from "./errors.ts";

export interface ImageName {
  /** As given. */
  readonly text: string;
  /** Where it is pulled from: "docker.io", or a host like "registry.example.com:5000". */
  readonly registry: string;
  /** Registry and path as given, without tag and digest. */
  readonly repository: string;
  /** A tag, or a digest like "sha256:…"; "latest" where none is given. */
  readonly version: string;
}

const LENGTH_MAX = 512;
const PATH =
  /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

export function imageName(text: string): Result<ImageName, DockerError> {
  const malformed = err({ code: "IMAGE_NAME_MALFORMED", image: text } as const);
  if (text.length > LENGTH_MAX) return malformed;
  const [tagged = "", digest, more] = text.split("@");
  if (more !== undefined || (digest !== undefined && !DIGEST.test(digest))) return malformed;
  const colon = tagged.lastIndexOf(":");
  // A colon before the last slash is a port's.
  const isTagged = colon > tagged.lastIndexOf("/");
  const repository = isTagged ? tagged.slice(0, colon) : tagged;
  const tag = isTagged ? tagged.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) return malformed;
  const slash = repository.indexOf("/");
  const first = slash < 0 ? "" : repository.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first;
  const path = isHost ? repository.slice(slash + 1) : repository;
  if ((isHost && !HOST.test(first)) || !PATH.test(path)) return malformed;
  return ok({
    text,
    registry: isHost ? first : "docker.io",
    repository,
    version: digest ?? tag ?? "latest",
  });
}

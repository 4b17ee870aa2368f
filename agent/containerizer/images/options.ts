/** What the operator says of images for containers that are not Docker's. */
import type { Result } from "../../../worker/std/result.ts";
import type { ImageSpec, LaunchError } from "../containerizer.ts";
import type { ImageOutward } from "./outward.ts";

/** Of names that begin with no registry. */
export const DEFAULT_REGISTRY = "https://registry-1.docker.io";

export type ImageSource =
  /** Undefined: Docker's own, for names that begin with no registry. */
  | { readonly kind: "REGISTRY"; readonly url: URL | undefined }
  /** Of archives that `docker save` made, in files named like their images. */
  | { readonly kind: "FOLDER"; readonly path: string };

/** Brings images here before containers are made of them. */
export interface ImageFetcher {
  /** Resolves when the image is here; `signal` ends the wait. */
  fetchImage(request: ImageRequest): Promise<Result<void, LaunchError>>;
}

export interface ImageRequest {
  readonly image: ImageSpec;
  /** Where its task is told how far it is, and may have credentials. */
  readonly sandboxDirectory: string;
  readonly signal: AbortSignal;
}

export interface ImageOptions {
  /** Absolute; made if missing. */
  readonly storeDirectory: string;
  /** The agent's own folder: no other agent may have the store. */
  readonly owner: string;
  readonly source: ImageSource;
  /** Registry credentials: a path, or JSON; undefined: those of Docker's own files. */
  readonly dockerConfig: string | undefined;
  readonly outward: ImageOutward;
  /** Longest time in which nothing of an image arrives. */
  readonly stallMs: number;
  /** Told how long each download took. */
  readonly pulled?: (tookMs: number) => void;
}

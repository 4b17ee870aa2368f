/** What the operator says of images for containers that are not Docker's. */
import type { ImageOutward } from "./outward.ts";

/** Of names that begin with no registry. */
export const DEFAULT_REGISTRY = "https://registry-1.docker.io";

export type ImageSource =
  /** Undefined: Docker's own, for names that begin with no registry. */
  | { readonly kind: "REGISTRY"; readonly url: URL | undefined }
  /** Of archives that `docker save` made, in files named like their images. */
  | { readonly kind: "FOLDER"; readonly path: string };

export interface ImageOptions {
  /** Absolute; made if missing. */
  readonly storeDirectory: string;
  readonly source: ImageSource;
  /** Registry credentials: a path, or JSON; undefined: those of Docker's own files. */
  readonly dockerConfig: string | undefined;
  readonly outward: ImageOutward;
  /** Longest time in which nothing of an image arrives. */
  readonly stallMs: number;
  /** Told how long each download took. */
  readonly pulled?: (tookMs: number) => void;
}

/**
 * Removes images that no container uses when their disk fills, as Mesos' `--image_gc_config` has
 * it. An image that is wanted again is fetched again.
 */
import { statfs } from "node:fs/promises";
import type { Pruned } from "../../containerizer/images/imaged-containerizer.ts";
import type { Log } from "../log.ts";

export interface ImageGcConfig {
  /** Share of the disk that is to stay free, 0 to 1. */
  readonly headroom: number;
  readonly everyMs: number;
  /** Names of images that stay. */
  readonly excluded: readonly string[];
}

export interface ImageCollectorOptions {
  readonly config: ImageGcConfig;
  /** Of the disk in question. */
  readonly directory: string;
  readonly prune: (excluded: readonly string[]) => Promise<Pruned>;
  readonly log: Log;
  /** Share of a disk that is free, 0 to 1; absent: as the file system says. */
  readonly freeShare?: (directory: string) => Promise<number>;
}

const MEGABYTE = 1_000_000;

export class ImageCollector {
  readonly #options: ImageCollectorOptions;

  constructor(options: ImageCollectorOptions) {
    this.#options = options;
  }

  get everyMs(): number {
    return this.#options.config.everyMs;
  }

  /** Looks at the disk, and removes what nobody uses if there is too little room. */
  async collect(): Promise<void> {
    const { config, directory, prune, log, freeShare = freeShareOf } = this.#options;
    const free = await freeShare(directory);
    if (free >= config.headroom) return;
    const { images, bytes } = await prune(config.excluded);
    if (images.length === 0) return;
    const freed = `${(bytes / MEGABYTE).toFixed(1)} MB of layers`;
    const why = `${(100 * free).toFixed(1)} % of the disk of ${directory} are free`;
    log(`removed ${images.length} images that no container uses, ${freed}: ${why}`);
  }
}

async function freeShareOf(directory: string): Promise<number> {
  const { bavail, blocks } = await statfs(directory);
  return blocks === 0 ? 1 : bavail / blocks;
}

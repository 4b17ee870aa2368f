/** Tells now and then how far the download of an image is, in lines for its tasks. */

/** How long nothing is said, and then again; ms. */
const EVERY_MS = 5_000;
const MEGABYTE = 1_000_000;

export class Progress {
  readonly #image: string;
  readonly #total: number;
  readonly #layers: number;
  readonly #say: (line: string) => void;
  readonly #startMs = performance.now();
  #saidMs = performance.now();
  #bytes = 0;
  #done = 0;

  /** `sizes`: of the layers that have to come. */
  constructor(image: string, sizes: readonly number[], say: (line: string) => void) {
    this.#image = image;
    this.#total = sizes.reduce((sum, size) => sum + size, 0);
    this.#layers = sizes.length;
    this.#say = say;
    if (sizes.length > 0) {
      say(`Fetching the image '${image}': ${sizes.length} layers, ${megabytes(this.#total)}`);
    }
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (performance.now() - this.#saidMs < EVERY_MS) return;
    this.#saidMs = performance.now();
    this.#say(
      `Fetching the image '${this.#image}': ${megabytes(this.#bytes)} of ` +
        `${megabytes(this.#total)}, ${this.#done} of ${this.#layers} layers done`,
    );
  }

  layerDone(): void {
    this.#done++;
  }

  end(): void {
    if (this.#layers === 0) return;
    const seconds = (performance.now() - this.#startMs) / 1_000;
    this.#say(`Fetched the image '${this.#image}' in ${seconds.toFixed(1)} s`);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}

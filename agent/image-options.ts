/** The agent's options about images of containers that are not Docker's; names as in Mesos. */
import { resolve } from "node:path";
import { err, ok, type Result } from "../worker/std/result.ts";
import type { ImageSource } from "./containerizer/images/options.ts";
import type { GivenOptions } from "./read-options.ts";
import type { ImageGcConfig } from "./shell/upkeep/image-collector.ts";

export interface ImageChoice {
  /** False: images are refused. */
  readonly isEnabled: boolean;
  readonly source: ImageSource;
  /** Absolute; undefined: in the work directory. */
  readonly storeDirectory: string | undefined;
  /** Undefined: images stay until PRUNE_IMAGES. */
  readonly collection: ImageGcConfig | undefined;
}

/** `read` takes note of mistakes. */
export function readImageOptions(
  given: GivenOptions,
  read: <T>(result: Result<T, string>, otherwise: T) => T,
): ImageChoice {
  return {
    isEnabled: read(readProviders(given), true) && read(readBackend(given), true),
    source: read(readSource(given), { kind: "REGISTRY", url: undefined }),
    storeDirectory: read(readStore(given), undefined),
    collection: read(readCollection(given), undefined),
  };
}

function readProviders(given: GivenOptions): Result<boolean, string> {
  const text = given.text("image-providers") ?? "DOCKER";
  const names = text.split(",").map((name) => name.trim().toUpperCase());
  if (names.length === 1 && names[0] === "NONE") return ok(false);
  const other = names.find((name) => name !== "DOCKER");
  if (other === undefined) return ok(true);
  const label = given.label("image-providers");
  return err(`${label} names '${other}'; this agent has images of DOCKER, or NONE`);
}

function readBackend(given: GivenOptions): Result<boolean, string> {
  const text = given.text("image-provisioner-backend") ?? "overlay";
  if (text === "overlay") return ok(true);
  const label = given.label("image-provisioner-backend");
  return err(`${label} '${text}' is not to be had; this agent puts layers together by overlay`);
}

function readSource(given: GivenOptions): Result<ImageSource, string> {
  const text = given.text("docker-registry");
  if (text === undefined) return ok({ kind: "REGISTRY", url: undefined });
  const label = given.label("docker-registry");
  if (text.startsWith("/")) return ok({ kind: "FOLDER", path: resolve(text) });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return err(
      `${label} '${text}' is neither a URL like https://registry.example.com nor the absolute ` +
        "path of a folder with archives of images",
    );
  }
  if (url.pathname !== "/" || url.search !== "" || url.username !== "") {
    return err(`${label} '${text}' has more than a host; leave the rest out`);
  }
  return ok({ kind: "REGISTRY", url });
}

const HEADROOM = 0.1;
const EVERY_MS = 3_600_000;
const NANOSECONDS_PER_MS = 1_000_000;

/** Mesos' ImageGcConfig. */
function readCollection(given: GivenOptions): Result<ImageGcConfig | undefined, string> {
  const text = given.text("image-gc-config");
  if (text === undefined) return ok(undefined);
  const label = given.label("image-gc-config");
  const example = '{"image_disk_headroom": 0.1, "excluded_images": ["team/image:1"]}';
  let members: Record<string, unknown>;
  try {
    members = { ...JSON.parse(text) };
  } catch {
    return err(`${label} is not JSON; write it like ${example}`);
  }
  const { image_disk_headroom: headroom = HEADROOM, image_disk_watch_interval: interval } = members;
  const { excluded_images: excluded = [], ...more } = members;
  const other = Object.keys(more).find((name) => !name.startsWith("image_disk_"));
  if (other !== undefined) return err(`${label} has an unknown member '${other}'; see ${example}`);
  if (typeof headroom !== "number" || headroom < 0 || headroom > 1) {
    return err(`${label}: 'image_disk_headroom' is no share of the disk, from 0 to 1`);
  }
  const everyMs = interval === undefined ? EVERY_MS : nanosecondsOf(interval) / NANOSECONDS_PER_MS;
  if (!(everyMs >= 1)) {
    const like = '{"nanoseconds": 60000000000}';
    return err(`${label}: 'image_disk_watch_interval' is no time; write one like ${like}`);
  }
  const names = Array.isArray(excluded) ? excluded.filter((name) => typeof name === "string") : [];
  if (!Array.isArray(excluded) || names.length < excluded.length) {
    return err(`${label}: 'excluded_images' is no list of names; see ${example}`);
  }
  return ok({ headroom, everyMs, excluded: names });
}

function nanosecondsOf(interval: unknown): number {
  const isObject = typeof interval === "object" && interval !== null;
  return isObject && "nanoseconds" in interval ? Number(interval.nanoseconds) : Number.NaN;
}

/** Its path is among options that mount(8) takes apart at these characters. */
const AWKWARD = /[,:\\\s"]/;

function readStore(given: GivenOptions): Result<string | undefined, string> {
  const text = given.text("docker-store-dir");
  if (text === undefined) return ok(undefined);
  const path = resolve(text);
  if (!AWKWARD.test(path)) return ok(path);
  const label = given.label("docker-store-dir");
  return err(`${label} '${path}' has a comma, colon, quote, backslash or blank; choose another`);
}

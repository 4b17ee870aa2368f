import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { whyNoImages } from "../../../agent/containerizer/images/machine.ts";
import { type ImageChoice, readImageOptions } from "../../../agent/image-options.ts";
import { readOptions } from "../../../agent/read-options.ts";
import { assert } from "../../../worker/std/assert.ts";
import { err } from "../../../worker/std/result.ts";
import { requirement } from "../../support/require.ts";

const cgroups = requirement("cgroups");

function read(...args: string[]): { choice: ImageChoice; mistakes: readonly string[] } {
  const given = readOptions({ args, env: {}, readFile: () => err("no") });
  assert(given.ok, "the line is in order");
  const mistakes: string[] = [];
  const choice = readImageOptions(given.value, (result, otherwise) => {
    if (!result.ok) mistakes.push(result.error);
    return result.ok ? result.value : otherwise;
  });
  return { choice, mistakes };
}

test("images come from a registry or a folder, and are Docker's or none", () => {
  expect(read().choice).toEqual({
    ...{ isEnabled: true, source: { kind: "REGISTRY", url: undefined } },
    ...{ storeDirectory: undefined, collection: undefined },
  });
  const folder = read("--docker-registry", "/srv/images/", "--docker-store-dir", "/srv/store");
  expect(folder.choice).toMatchObject({
    ...{ source: { kind: "FOLDER", path: "/srv/images" }, storeDirectory: "/srv/store" },
  });
  const url = read("--docker-registry", "https://registry.example.com");
  expect(url.choice.source).toMatchObject({ url: new URL("https://registry.example.com") });
  const gc = '{"image_disk_watch_interval": {"nanoseconds": 2000000000}, "excluded_images": ["a"]}';
  expect(read("--image-gc-config", gc).choice.collection).toEqual({
    ...{ headroom: 0.1, everyMs: 2_000, excluded: ["a"] },
  });
  expect(read("--image-providers", "docker").choice.isEnabled).toBe(true);
  expect(read("--image-providers", "none").choice.isEnabled).toBe(false);
});

test.each([
  ["--docker-registry", "registry.example.com", "is neither a URL like"],
  ["--docker-registry", "https://example.com/v2", "has more than a host"],
  ["--docker-registry", "https://me@example.com", "has more than a host"],
  ["--docker-store-dir", "/srv/a,b", "has a comma"],
  ["--image-providers", "APPC", "names 'APPC'"],
  ["--image-provisioner-backend", "aufs", "is not to be had"],
  ["--image-gc-config", "0.1x", "is not JSON"],
  ["--image-gc-config", '{"image_disk_headroom": 2}', "is no share of the disk"],
  ["--image-gc-config", '{"excluded_images": [1]}', "is no list of names"],
  ["--image-gc-config", '{"image_disk_watch_interval": {}}', "is no time"],
  ["--image-gc-config", '{"headroom": 0.1}', "unknown member 'headroom'"],
])("%s %s is a mistake", (option, value, said) => {
  const { mistakes } = read(option, value);
  expect(mistakes).toEqual([expect.stringContaining(said)]);
  expect(mistakes[0]).toMatch(new RegExp(`^${option}[ :]`));
});

test.skipIf(cgroups.missing)(
  cgroups.title("the trial of layers leaves nothing behind"),
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "rimrock-trial-"));
    try {
      expect(await whyNoImages(directory)).toBeUndefined();
      expect(readdirSync(directory)).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

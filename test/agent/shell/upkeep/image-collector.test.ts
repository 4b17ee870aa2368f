import { expect, test } from "vitest";
import { ImageCollector } from "../../../../agent/shell/upkeep/image-collector.ts";

function collector(free: number, images: readonly string[]) {
  const pruned: (readonly string[])[] = [];
  const lines: string[] = [];
  const made = new ImageCollector({
    config: { headroom: 0.2, everyMs: 1_000, excluded: ["kept"] },
    directory: "/store",
    prune: async (excluded) => {
      pruned.push(excluded);
      return { images, bytes: 3_000_000 };
    },
    log: (line) => void lines.push(line),
    freeShare: async () => free,
  });
  return { made, pruned, lines };
}

test("images stay while there is room, and go without the excluded ones when there is not", async () => {
  const enough = collector(0.2, ["a"]);
  await enough.made.collect();
  expect(enough.pruned).toEqual([]);
  const full = collector(0.19, ["a", "b"]);
  await full.made.collect();
  expect(full.pruned).toEqual([["kept"]]);
  expect(full.lines).toEqual([
    "removed 2 images that no container uses, 3.0 MB of layers: 19.0 % of the disk of /store are free",
  ]);
  const used = collector(0, []);
  await used.made.collect();
  expect(used.lines).toEqual([]);
});

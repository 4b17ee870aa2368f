/** Layers from archives, hostile ones too, and what a container of several would find. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LayeredTree } from "../../../../agent/containerizer/images/layered-tree.ts";
import { makeMountPoint } from "../../../../agent/containerizer/images/mount-points.ts";
import { ImageStore } from "../../../../agent/containerizer/images/store.ts";
import { unpackLayer } from "../../../../agent/containerizer/images/unpack.ts";
import type { Result } from "../../../../worker/std/result.ts";
import { digestOf } from "../../../support/image-registry.ts";
import { requirement } from "../../../support/require.ts";
import { type TarMember, tarOf } from "../../../support/tar.ts";

const root = requirement("root");
const archivers = requirement("archivers");
let directory: string;
let store: ImageStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rimrock-layers-"));
  store = new ImageStore(join(directory, "store"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function unpack(
  archive: Buffer,
  { bytes = archive, diffId = digestOf(archive) }: { bytes?: Buffer; diffId?: string } = {},
): Promise<Result<void, string>> {
  const path = join(directory, "layer");
  writeFileSync(path, bytes);
  return await unpackLayer(path, diffId, { store, signal: new AbortController().signal });
}

/** Why a layer is refused; nothing of it stays. */
async function refusal(...members: readonly TarMember[]): Promise<string> {
  const archive = tarOf(members);
  const unpacked = await unpack(archive);
  expect(store.layer(digestOf(archive))).toBeUndefined();
  return unpacked.ok ? "" : unpacked.error;
}

/** The layers that archives become, the lowest first; a tree of them. */
async function treeOf(...layers: readonly (readonly TarMember[])[]): Promise<LayeredTree> {
  const found = [];
  for (const members of layers) {
    const archive = tarOf(members);
    expect(await unpack(archive)).toEqual({ ok: true, value: undefined });
    found.push(store.layer(digestOf(archive)));
  }
  return new LayeredTree(found.flatMap((layer) => layer ?? []).toReversed());
}

const file = (name: string, content = name): TarMember => ({ name, content });
const folder = (name: string): TarMember => ({ name, type: "5" });
const link = (name: string, to: string): TarMember => ({ name, type: "2", link: to });

describe.skipIf(root.missing)(root.title("a layer"), () => {
  test("is kept with owners, modes, links and pipes, and without devices", async () => {
    const archive = tarOf([
      folder("./"),
      { ...file("bin/tool"), mode: 0o4755, userId: 12, groupId: 34 },
      { name: "bin/other", type: "1", link: "bin/tool" },
      link("lib", "usr/lib"),
      link("outside", "/etc/../../root"),
      { name: "pipe", type: "6" },
      { name: "dev/kmem", type: "3" },
      { name: "dev/sda", type: "4" },
    ]);
    expect(await unpack(archive)).toMatchObject({ ok: true });
    const path = store.layer(digestOf(archive))?.path ?? "";
    const tool = lstatSync(join(path, "bin/tool"));
    expect([tool.mode & 0o7777, tool.uid, tool.gid, tool.nlink]).toEqual([0o4755, 12, 34, 2]);
    expect(lstatSync(join(path, "lib")).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(path, "outside")).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(path, "pipe")).isFIFO()).toBe(true);
    expect(existsSync(join(path, "dev/kmem"))).toBe(false);
    expect(existsSync(join(path, "dev/sda"))).toBe(false);
  });

  test("is known by what it was before it was compressed, however it was", async () => {
    const archive = tarOf([file("a")]);
    expect(await unpack(archive, { bytes: gzipSync(archive) })).toMatchObject({ ok: true });
    expect(store.layer(digestOf(archive))?.bytes).toBe(1);
  });

  test.skipIf(archivers.missing)(archivers.title("may be compressed by zstd, too"), async () => {
    const archive = tarOf([file("b")]);
    const bytes = execFileSync("zstd", ["-q", "-c"], { input: archive });
    expect(await unpack(archive, { bytes })).toMatchObject({ ok: true });
    expect(store.layer(digestOf(archive))?.bytes).toBe(1);
  });

  test("whose content is another one, or none, is refused", async () => {
    const archive = tarOf([file("a")]);
    const wanted = digestOf(tarOf([file("b")]));
    expect(await unpack(archive, { diffId: wanted })).toMatchObject({
      error: expect.stringContaining(`not ${wanted} as it should`),
    });
    const half = gzipSync(archive).subarray(0, 60);
    expect(await unpack(archive, { bytes: half })).toMatchObject({ ok: false });
    const torn = archive.subarray(0, 700);
    expect(await unpack(archive, { bytes: torn })).toMatchObject({
      error: "a layer: it breaks off",
    });
    const noise = Buffer.alloc(2_048, 7);
    expect(await unpack(noise)).toMatchObject({ error: "a layer: it is no tar archive" });
    expect(store.layer(wanted)).toBeUndefined();
  });

  test.each([
    ["a path upwards", [file("../x")]],
    ["a path upwards further on", [file("a/../../x")]],
    ["a hard link to what is above", [{ name: "x", type: "1", link: "../../etc/passwd" }]],
    ["a path upwards in an extended header", [{ ...file("x"), pax: { path: "../x" } }]],
    [
      "a target upwards in an extended header",
      [{ name: "x", type: "1", link: "y", pax: { linkpath: "../y" } }],
    ],
    ["a name with a NUL byte", [{ ...file("x"), pax: { path: "a\0b" } }]],
  ] as const)("with %s is refused", async (_, members) => {
    expect(await refusal(...members)).toContain("would leave the layer");
  });

  test("with a file behind a link that leads out is refused", async () => {
    const target = join(directory, "target");
    expect(await refusal(link("a", directory), file("a/target"))).toContain("behind its link 'a'");
    expect(await refusal(link("a", "../.."), file("a/b/target"))).toContain("behind its link 'a'");
    expect(existsSync(target)).toBe(false);
  });

  test("with an absolute path has it inside", async () => {
    const archive = tarOf([file("/etc/rimrock-test-absolute")]);
    expect(await unpack(archive)).toMatchObject({ ok: true });
    const path = store.layer(digestOf(archive))?.path ?? "";
    expect(existsSync(join(path, "etc/rimrock-test-absolute"))).toBe(true);
    expect(existsSync("/etc/rimrock-test-absolute")).toBe(false);
  });

  test("that deletes what is no name is refused", async () => {
    expect(await refusal(file("a/.wh..."))).toContain("deletes what is no file's name");
    expect(await refusal(file("a/.wh.."))).toContain("deletes what is no file's name");
    expect(await refusal(file("a/.wh."))).toContain("deletes what is no file's name");
  });

  test("that two programs could read in two ways is refused", async () => {
    expect(await refusal({ ...file("x"), pax: { "GNU.sparse.name": "y" } })).toContain("sparse");
    expect(await refusal({ name: "x", type: "S" })).toContain("sparse");
    expect(await refusal({ name: "x", type: "V" })).toContain("unknown type 'V'");
    expect(await refusal({ name: "x", type: "5", content: "y" })).toContain("is no file");
    expect(await refusal({ ...file("x"), pax: { size: "-1" } })).toContain("size is '-1'");
  });

  test("that is being made when the process ends is none, and goes at the next start", async () => {
    const made = await store.temporaryFolder();
    writeFileSync(join(made, "half"), "");
    const archive = tarOf([file("a")]);
    await unpack(archive);
    const path = store.layer(digestOf(archive))?.path ?? "";
    rmSync(`${path}.json`);
    const next = new ImageStore(store.directory);
    expect(next.layer(digestOf(archive))).toBeUndefined();
    await next.sweep();
    expect([existsSync(made), existsSync(path)]).toEqual([false, false]);
  });

  test("whose description is torn counts as missing", async () => {
    const archive = tarOf([file("a")]);
    await unpack(archive);
    const path = `${store.layer(digestOf(archive))?.path}.json`;
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -5));
    expect(store.layer(digestOf(archive))).toBeUndefined();
    expect(await unpack(archive)).toMatchObject({ ok: true });
    expect(store.layer(digestOf(archive))).toBeDefined();
  });
});

describe.skipIf(root.missing)(root.title("a tree of layers"), () => {
  const kindAt = (tree: LayeredTree, path: string): string => {
    const resolved = tree.resolve(path);
    if ("why" in resolved) return resolved.why;
    return `${resolved.names.join("/")} ${resolved.found?.kind ?? "NOTHING"}`;
  };

  test("has the upper one's files, and merges folders", async () => {
    const tree = await treeOf(
      [folder("etc"), file("etc/a", "low"), file("etc/b"), file("kept")],
      [folder("etc"), file("etc/a", "high")],
    );
    expect(tree.read("/etc/a", 100)).toBe("high");
    expect(kindAt(tree, "etc/b")).toBe("etc/b FILE");
    expect(kindAt(tree, "/kept")).toBe("kept FILE");
    expect(kindAt(tree, "/")).toBe(" FOLDER");
  });

  test("lacks what an upper one deletes, and what an opaque folder hides", async () => {
    const tree = await treeOf(
      [folder("a"), file("a/x"), folder("b"), file("b/y"), file("c/d/e"), folder("f"), file("f/g")],
      [
        ...[folder("a"), file("a/.wh.x"), folder("b"), file("b/.wh..wh..opq"), file("b/z")],
        ...[file(".wh.c"), file(".wh.f"), folder("f"), file("f/h")],
      ],
    );
    expect(kindAt(tree, "a/x")).toBe("a/x NOTHING");
    expect(kindAt(tree, "b/y")).toBe("b/y NOTHING");
    expect(kindAt(tree, "b/z")).toBe("b/z FILE");
    expect(kindAt(tree, "c/d/e")).toBe("c/d/e NOTHING");
    // Deleted and made anew in one layer.
    expect(kindAt(tree, "f/g")).toBe("f/g NOTHING");
    expect(kindAt(tree, "f/h")).toBe("f/h FILE");
  });

  test("follows links inside of the image only", async () => {
    const tree = await treeOf([
      ...[folder("usr/lib"), file("usr/lib/so"), link("lib", "usr/lib"), link("abs", "/usr")],
      ...[link("up", "../../../../usr/lib"), link("loop", "loop"), link("far", "/lib/so/x")],
    ]);
    expect(kindAt(tree, "/lib/so")).toBe("usr/lib/so FILE");
    expect(kindAt(tree, "/abs/lib/so")).toBe("usr/lib/so FILE");
    expect(kindAt(tree, "/up/so")).toBe("usr/lib/so FILE");
    expect(kindAt(tree, "/../../../etc/passwd")).toBe("etc/passwd NOTHING");
    expect(kindAt(tree, "/loop")).toContain("too many links");
    expect(kindAt(tree, "/far")).toContain("is no folder in the image");
    expect(kindAt(tree, "/lib/new/folder")).toBe("usr/lib/new/folder NOTHING");
  });

  test("gets mount points that no link of the image's is on the way to", async () => {
    const tree = await treeOf([
      { ...folder("usr/"), mode: 0o711, userId: 7 },
      ...[folder("usr/lib"), link("lib", "usr/lib"), link("evil", "/../../../../../../tmp")],
      file("file"),
    ]);
    const upper = await store.temporaryFolder();
    const at = (path: string, kind: "FOLDER" | "FILE" = "FOLDER") => {
      const made = makeMountPoint({ tree, upper }, path, { kind });
      return made.ok ? made.value : `refused: ${made.error}`;
    };
    expect(at("/lib/modules/x")).toBe("/usr/lib/modules/x");
    expect(at("/evil/x")).toBe("/tmp/x");
    expect(at("/file", "FILE")).toBe("/file");
    expect(at("/file")).toContain("refused");
    expect(at("/usr", "FILE")).toContain("refused");
    expect(at("/")).toContain("refused");
    expect(existsSync(join(upper, "tmp/x"))).toBe(true);
    expect(existsSync("/tmp/x")).toBe(false);
    const usr = lstatSync(join(upper, "usr"));
    expect([usr.mode & 0o7777, usr.uid]).toEqual([0o711, 7]);
  });
});

test("a store is one agent's, until that one's folder is gone", () => {
  const [mine, other] = [join(directory, "mine"), join(directory, "other")];
  for (const path of [mine, other]) mkdirSync(path);
  store.claim(mine);
  store.claim(mine);
  expect(() => new ImageStore(store.directory).claim(other)).toThrow(`--work-dir is ${mine}`);
  rmSync(mine, { recursive: true });
  new ImageStore(store.directory).claim(other);
  expect(() => store.claim(join(directory, "mine"))).toThrow(`--work-dir is ${other}`);
});

describe.skipIf(root.missing)(root.title("pruning"), () => {
  test("spares what is wanted, and every layer that something stands on", async () => {
    const archives = ["a", "b", "c", "d"].map((name) => tarOf([file(name)]));
    for (const archive of archives) await unpack(archive);
    const [a = "", b = "", c = "", d = ""] = archives.map(digestOf);
    const config = { env: [], entrypoint: [], cmd: [], workingDirectory: "", user: "" };
    await store.writeImage({ name: "one", digest: "x", config: { ...config, diffIds: [a, b] } });
    await store.writeImage({ name: "two", digest: "y", config: { ...config, diffIds: [a, c] } });
    store.pin([d]);
    const kept = {
      images: ({ name }: { name: string }) => name === "two",
      layers: new Set<string>(),
    };
    expect(await store.prune(kept)).toEqual({ images: ["one"], bytes: 1 });
    const there = (): boolean[] => [a, b, c, d].map((id) => store.layer(id) !== undefined);
    expect(there()).toEqual([true, false, true, true]);
    store.unpin([d]);
    await store.prune({ images: () => false, layers: new Set([c]) });
    expect(there()).toEqual([false, false, true, false]);
    expect(store.images()).toEqual([]);
  });
});

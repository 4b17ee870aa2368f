/** Images on their way from a registry, or from a folder of archives, into the store. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ImageSpec } from "../../../../agent/containerizer/containerizer.ts";
import { imageName } from "../../../../agent/containerizer/docker/image-name.ts";
import type { ImageOptions } from "../../../../agent/containerizer/images/options.ts";
import { Pulls } from "../../../../agent/containerizer/images/pulls.ts";
import { ImageStore, type StoredImage } from "../../../../agent/containerizer/images/store.ts";
import { Outward } from "../../../../agent/outward/outward.ts";
import { assert } from "../../../../worker/std/assert.ts";
import type { Result } from "../../../../worker/std/result.ts";
import {
  digestOf,
  type ImageRegistry,
  PASSWORD,
  startImageRegistry,
  USER,
} from "../../../support/image-registry.ts";
import { requirement } from "../../../support/require.ts";
import { tarOf } from "../../../support/tar.ts";

const root = requirement("root");
const outward = new Outward({ keepAlive: false });
let registry: ImageRegistry;
let directory: string;
let store: ImageStore;
let sayings: string[];

beforeAll(async () => {
  registry = await startImageRegistry();
});
afterAll(() => registry.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rimrock-pulls-"));
  store = new ImageStore(join(directory, "store"));
  registry.intercept = undefined;
  registry.asked.length = 0;
  sayings = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const low = tarOf([{ name: "low", content: "low" }]);
const high = tarOf([{ name: "high", content: "high" }]);

function pullsOf(over: Partial<ImageOptions> = {}): Pulls {
  return new Pulls(store, {
    ...{
      storeDirectory: store.directory,
      owner: directory,
      source: { kind: "REGISTRY", url: undefined },
    },
    ...{ dockerConfig: "{}", outward, stallMs: 2_000, ...over },
  });
}

async function pull(
  text: string,
  options: {
    readonly pulls?: Pulls;
    readonly signal?: AbortSignal;
    readonly spec?: Partial<ImageSpec>;
  } = {},
): Promise<Result<StoredImage, string>> {
  const name = imageName(text);
  assert(name.ok, "the test names an image");
  const { pulls = pullsOf(), signal = new AbortController().signal, spec = {} } = options;
  return await pulls.get({
    ...{ name: name.value, spec: { name: text, cached: true, ...spec }, signal },
    ...{ sandboxDirectory: directory, say: (line) => sayings.push(line) },
  });
}

/** The error, which nothing stays behind. */
async function refusal(...asked: Parameters<typeof pull>): Promise<string> {
  const pulled = await pull(...asked);
  expect(store.images()).toEqual([]);
  return pulled.ok ? "" : pulled.error;
}

const at = (name: string): string => `${registry.host}/${name}`;
const config = (pair: string): string =>
  JSON.stringify({
    auths: { [registry.host]: { auth: Buffer.from(pair).toString("base64") } },
  });
const known = (): string => config(`${USER}:${PASSWORD}`);

describe.skipIf(root.missing)(root.title("an image"), () => {
  test("of either family comes whole, with its configuration", async () => {
    for (const isOci of [false, true]) {
      const name = `public/family-${isOci}:1`;
      const layers = [low, high];
      registry.push(name, { layers, isOci, config: { Env: ["A=b"], Cmd: ["x"], User: "u" } });
      const pulled = await pull(at(name));
      expect(pulled).toMatchObject({
        value: { config: { env: ["A=b"], cmd: ["x"], entrypoint: [], user: "u" } },
      });
      const paths = pulled.ok ? store.layersOf(pulled.value)?.map((layer) => layer.diffId) : [];
      expect(paths).toEqual([digestOf(high), digestOf(low)]);
    }
    expect(sayings[0]).toMatch(/^Fetching the image '.*': 2 layers, 0\.0 MB$/);
  });

  test("that is stored is not asked for again, unless its task wants to know", async () => {
    registry.push("public/moving:1", { layers: [low] });
    const first = await pull(at("public/moving:1"));
    registry.asked.length = 0;
    expect(await pull(at("public/moving:1"))).toEqual(first);
    expect(registry.asked).toEqual([]);
    const fresh = { spec: { cached: false } };
    expect(await pull(at("public/moving:1"), fresh)).toEqual(first);
    expect(registry.asked).toHaveLength(1);
    registry.push("public/moving:1", { layers: [low, high] });
    const second = await pull(at("public/moving:1"), fresh);
    expect(second).toMatchObject({
      value: { config: { diffIds: [digestOf(low), digestOf(high)] } },
    });
    // Of the layers only the one that is new.
    expect(registry.asked.filter((path) => path.includes("/blobs/"))).toHaveLength(2);
  });

  test("that many want at once is fetched once, and by the last one's end no more", async () => {
    registry.push("public/wanted:1", { layers: [low, high] });
    const pulls = pullsOf();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    registry.intercept = (request, response) => {
      if (!request.url?.includes("/blobs/")) return false;
      void held.then(() => {
        const digest = request.url?.split("/").at(-1) ?? "";
        response.end(registry.blobs.get(digest));
      });
      return true;
    };
    const impatient = new AbortController();
    const waits = [
      pull(at("public/wanted:1"), { pulls, signal: impatient.signal }),
      pull(at("public/wanted:1"), { pulls }),
      pull(at("public/wanted:1"), { pulls }),
    ];
    setTimeout(() => impatient.abort(), 50);
    expect(await waits[0]).toEqual({ ok: false, error: "it was cancelled" });
    release();
    expect(await waits[1]).toMatchObject({ ok: true });
    expect(await waits[2]).toMatchObject({ ok: true });
    expect(registry.asked.filter((path) => path.includes("/manifests/"))).toHaveLength(1);
  });

  test("that nobody waits for any more is let go, and comes when asked for again", async () => {
    registry.push("public/slow:1", { layers: [high] });
    const abort = new AbortController();
    const ended = new Promise<void>((resolve) => {
      registry.intercept = (request, response) => {
        if (!request.url?.includes("/blobs/")) return false;
        response.once("close", resolve);
        abort.abort();
        return true;
      };
    });
    const pulls = pullsOf();
    const waiting = pull(at("public/slow:1"), { pulls, signal: abort.signal });
    expect(await waiting).toMatchObject({ error: "it was cancelled" });
    await ended;
    registry.intercept = undefined;
    expect(await pull(at("public/slow:1"), { pulls })).toMatchObject({ ok: true });
  });

  test("that breaks off goes on from there; what it became on its way is refused", async () => {
    registry.push("public/broken:1", {
      layers: [tarOf([{ name: "x", content: "x".repeat(5_000) }])],
      compress: (layer) => layer,
    });
    const ranges: (string | undefined)[] = [];
    registry.intercept = (request, response) => {
      const blob = registry.blobs.get(request.url?.split("/").at(-1) ?? "");
      if (blob === undefined || blob.length < 5_000) return false;
      ranges.push(request.headers.range);
      if (ranges.length > 1) return false;
      response.writeHead(200, { "content-length": blob.length });
      response.write(blob.subarray(0, 3_000), () => response.destroy());
      return true;
    };
    expect(await pull(at("public/broken:1"))).toMatchObject({ ok: true });
    expect(ranges).toEqual([undefined, "bytes=3000-"]);
  });

  test("whose bytes are others is refused: a layer, a configuration, a manifest", async () => {
    registry.push("public/forged:1", { layers: [tarOf([{ name: "forged" }])] });
    for (const what of ["layer", "config"]) {
      registry.intercept = (request, response) => {
        const blob = registry.blobs.get(request.url?.split("/").at(-1) ?? "");
        const isConfig = blob?.toString("latin1", 0, 1) === "{";
        if (blob === undefined || isConfig !== (what === "config")) return false;
        const forged = Buffer.from(blob);
        forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
        response.end(forged);
        return true;
      };
      expect(await refusal(at("public/forged:1"))).toMatch(/its digest is sha256:.*, not sha256:/);
    }
    registry.intercept = (request, response) => {
      if (!request.url?.includes("/manifests/")) return false;
      response.end("{}");
      return true;
    };
    const digest = `sha256:${"0".repeat(64)}`;
    expect(await refusal(`${at("public/forged")}@${digest}`)).toContain(`not ${digest}`);
    expect(readdirSync(join(store.directory, "l"))).toEqual([]);
  });

  test("is had by whom its registry knows", async () => {
    for (const name of ["private/image:1", "basic/image:1"]) {
      registry.push(name, { layers: [low] });
      expect(await refusal(at(name))).toContain("give the agent credentials with --docker-config");
      const wrong = pullsOf({ dockerConfig: config(`${USER}:wrong`) });
      expect(await refusal(at(name), { pulls: wrong })).toContain("refuses the credentials");
    }
    expect(
      await pull(at("basic/image:1"), { pulls: pullsOf({ dockerConfig: known() }) }),
    ).toMatchObject({ ok: true });
    const own = { spec: { credentials: known() } };
    expect(await pull(at("private/image:1"), own)).toMatchObject({ ok: true });
  });

  test("of a task's own credentials names no program to ask", async () => {
    const credentials = JSON.stringify({
      credsStore: "evil",
      credHelpers: { [registry.host]: "evil" },
    });
    registry.push("private/other:1", { layers: [low] });
    expect(await refusal(at("private/other:1"), { spec: { credentials } })).toContain(
      "lets nobody in without credentials",
    );
    const bad = { spec: { credentials: "secret" } };
    expect(await refusal(at("private/other:1"), bad)).not.toContain("secret");
  });

  test("that is not there, or for other machines, or of an old form, is told as such", async () => {
    registry.push("public/there:1", { layers: [low], isOci: true, architecture: "mips" });
    expect(await refusal(at("public/nowhere:1"))).toContain(
      "has no such image; see its name and tag",
    );
    expect(await refusal(at("public/there:1"))).toMatch(
      /not made for linux\/\w+, only for linux\/s390x, linux\/mips/,
    );
    registry.intercept = (_, response) => {
      response.end(JSON.stringify({ schemaVersion: 1 }));
      return true;
    };
    expect(await refusal(at("public/there:1"))).toContain("the old schema 1");
    expect(await refusal("127.0.0.1:1/x")).toContain("127.0.0.1:1: ECONNREFUSED");
  });

  test("of a registry that falters comes in the end; of one that is silent does not", async () => {
    registry.push("public/busy:1", { layers: [low] });
    let refused = 0;
    registry.intercept = (_, response) => {
      if (refused++ > 0) return false;
      response.writeHead(429, { "retry-after": "0" });
      response.end();
      return true;
    };
    expect(await pull(at("public/busy:1"))).toMatchObject({ ok: true });
    registry.intercept = () => true;
    const quick = pullsOf({ stallMs: 20 });
    expect(await pull(at("public/silent:1"), { pulls: quick })).toMatchObject({
      error: expect.stringContaining("not a byte came"),
    });
  });

  test("gives no password away to where it is redirected", async () => {
    registry.push("basic/moved:1", { layers: [low] });
    const elsewhere = await startImageRegistry();
    const seen: (string | undefined)[] = [];
    elsewhere.intercept = (request, response) => {
      seen.push(request.headers.authorization);
      response.end(registry.blobs.get(request.url?.split("/").at(-1) ?? ""));
      return true;
    };
    registry.intercept = (request, response) => {
      if (!request.url?.includes("/blobs/") || request.headers.authorization === undefined)
        return false;
      response.writeHead(307, { location: `http://${elsewhere.host}${request.url}` });
      response.end();
      return true;
    };
    const pulls = pullsOf({ dockerConfig: known() });
    expect(await pull(at("basic/moved:1"), { pulls })).toMatchObject({ ok: true });
    expect(new Set(seen)).toEqual(new Set([undefined]));
    await elsewhere.close();
  });
});

describe.skipIf(root.missing)(root.title("a folder of archives"), () => {
  function archive(
    layers: readonly Buffer[],
    over: Readonly<Record<string, unknown>> = {},
  ): Buffer {
    const configuration = JSON.stringify({
      ...{ os: "linux", config: { Cmd: ["x"] } },
      rootfs: { diff_ids: layers.map(digestOf) },
    });
    const manifest = {
      ...{ Config: "config.json", RepoTags: ["team/tool:2"] },
      Layers: layers.map((_, index) => `${index}/layer.tar`),
      ...over,
    };
    return tarOf([
      { name: "manifest.json", content: JSON.stringify([manifest]) },
      { name: "config.json", content: configuration },
      ...layers.map((content, index) => ({ name: `${index}/layer.tar`, content })),
    ]);
  }
  const folderPulls = (): Pulls => pullsOf({ source: { kind: "FOLDER", path: directory } });

  test("has images by their names, with tag and without", async () => {
    mkdirSync(join(directory, "team"));
    writeFileSync(join(directory, "team/tool:2.tar"), archive([low, high]));
    writeFileSync(join(directory, "plain.tar"), archive([low]));
    const pulls = folderPulls();
    expect(await pull("team/tool:2", { pulls })).toMatchObject({
      value: { config: { diffIds: [digestOf(low), digestOf(high)], cmd: ["x"] } },
    });
    expect(await pull("plain", { pulls })).toMatchObject({ ok: true });
    expect(await pull("plain:3", { pulls })).toMatchObject({ ok: true });
    expect(registry.asked).toEqual([]);
  });

  test("has none that is no archive, or reaches beyond it", async () => {
    writeFileSync(join(directory, "none.tar"), tarOf([{ name: "x" }]));
    writeFileSync(join(directory, "out.tar"), archive([low], { Layers: ["../../../outside"] }));
    writeFileSync(
      join(directory, "link.tar"),
      Buffer.concat([
        tarOf([{ name: "etc", type: "2", link: "/etc" }]).subarray(0, -1_024),
        archive([low], { Layers: ["etc/passwd"] }),
      ]),
    );
    const pulls = folderPulls();
    expect(await refusal("none", { pulls })).toContain("no archive as `docker save` makes them");
    expect(await refusal("out", { pulls })).toContain("is not in it");
    expect(await refusal("link", { pulls })).toContain("is not in it");
    expect(await refusal("missing", { pulls })).toContain("there is no");
    const digest = `sha256:${"0".repeat(64)}`;
    expect(await refusal(`missing@${digest}`, { pulls })).toContain("by its tag");
    expect(registry.asked).toEqual([]);
  });
});

/** The parts of the docker containerizer that need no daemon. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { describeLaunchError } from "../../../agent/containerizer/containerizer.ts";
import { credentialsFor } from "../../../agent/containerizer/docker/credentials.ts";
import { checkDocker, DOCKER_DEFAULTS } from "../../../agent/containerizer/docker/docker.ts";
import { entryOf, type Frame, framesOf } from "../../../agent/containerizer/docker/frames.ts";
import { imageName } from "../../../agent/containerizer/docker/image-name.ts";
import { knownEscape } from "../../../agent/containerizer/docker/vulnerable.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rimrock-docker-parts-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test("an image's name is read as Docker reads it", () => {
  const sum = `sha256:${"a".repeat(64)}`;
  const names: readonly (readonly [string, string, string, string])[] = [
    ["busybox", "docker.io", "busybox", "latest"],
    ["team/app:1.2", "docker.io", "team/app", "1.2"],
    ["localhost/app", "localhost", "localhost/app", "latest"],
    ["127.0.0.1:5000/a/b:x", "127.0.0.1:5000", "127.0.0.1:5000/a/b", "x"],
    [`r.example.com/a@${sum}`, "r.example.com", "r.example.com/a", sum],
    [`r.example.com/a:1@${sum}`, "r.example.com", "r.example.com/a", sum],
  ];
  for (const [text, registry, repository, version] of names) {
    assert.deepEqual(imageName(text), { ok: true, value: { text, registry, repository, version } });
  }
  const bad = [
    "",
    "A",
    "a b",
    "a:",
    "a@sha256:1",
    "/a",
    "a//b",
    "a?x=y",
    "-x",
    "a:b:c",
    "a".repeat(600),
  ];
  for (const text of bad) assert.equal(imageName(text).ok, false, text);
});

test("versions out of which containers escape are known, distributions' fixes too", () => {
  const known = (engine: string, runc?: string) => knownEscape({ engine, runc });
  assert.match(
    known("18.09.1") ?? "",
    /^Docker 18\.09\.1 lets containers escape \(CVE-2019-5736\)/,
  );
  assert.match(known("17.12.1-ce") ?? "", /upgrade it to 18\.09\.2/);
  assert.match(known("18.06.1-ce") ?? "", /18\.06\.1-ce/);
  for (const fine of ["18.06.2-ce", "18.09.2", "20.10.24+dfsg1", "dev"]) {
    assert.equal(known(fine), undefined, fine);
  }
  assert.match(known("20.10.0", "1.0.0-rc6+dev") ?? "", /runc 1\.0\.0-rc6\+dev .*CVE-2019-5736/);
  assert.match(known("20.10.0", "1.0.0-rc93") ?? "", /CVE-2024-21626/);
  assert.match(known("20.10.24", "1.1.5+ds1-1") ?? "", /upgrade it to 1\.1\.12/);
  assert.match(known("20.10.24", "1.1.11") ?? "", /CVE-2024-21626/);
  assert.equal(known("20.10.24", "1.1.12"), undefined);
  assert.equal(known("20.10.24", "1.2.0-rc.1"), undefined);
  assert.equal(known("20.10.24", "1.1.5+ds1-1+deb12u1"), undefined, "Debian's own fix");
  assert.equal(known("24.0.5", "1.1.7-0ubuntu1~22.04.2"), undefined, "Ubuntu's own fix");
  assert.match(known("24.0.5", "1.1.7-0ubuntu1~22.04.1") ?? "", /CVE-2024-21626/);
});

describe("frames", () => {
  const frame = (stream: number, text: string): Buffer => {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const read = async (chunks: readonly Buffer[]): Promise<readonly Frame[]> => {
    const all: Frame[] = [];
    const source = (async function* () {
      yield* chunks;
    })();
    for await (const frames of framesOf(source)) all.push(...frames);
    return all;
  };

  test("they are found wherever the stream is cut", async () => {
    const bytes = Buffer.concat([frame(1, "one"), frame(2, ""), frame(2, "two")]);
    const expected = ["stdout one", "stderr ", "stderr two"];
    for (let cut = 1; cut < bytes.length; cut++) {
      const frames = await read([bytes.subarray(0, cut), bytes.subarray(cut)]);
      assert.deepEqual(
        frames.map(({ stream, data }) => `${stream} ${data}`),
        expected,
      );
    }
  });

  test("bytes that are none, and an end within one, are told", async () => {
    await assert.rejects(read([Buffer.from("HTTP/1.1 200 OK")]), /no frames/);
    await assert.rejects(read([frame(1, "one").subarray(0, 9)]), /ended within a frame/);
  });

  test("an entry begins with its time", () => {
    const time = "2026-11-21T17:40:20.947366936Z";
    const entry = entryOf({ stream: "stdout", data: Buffer.from(`${time} a b\n`) });
    assert.deepEqual(entry, { stream: "stdout", time, data: Buffer.from("a b\n") });
    assert.equal(entryOf({ stream: "stdout", data: Buffer.from("no time\n") }), undefined);
  });
});

describe("registry credentials", () => {
  const authOf = async (
    registry: string,
    config: string | undefined,
  ): Promise<Record<string, string> | string | undefined> => {
    const found = await credentialsFor(registry, { config, sandboxDirectory: folder });
    if (!found.ok) return describeLaunchError(found.error);
    if (found.value === undefined) return undefined;
    assert.equal(found.value.length % 4, 0, "Docker wants the padding");
    // Written by `credentialsFor`.
    return JSON.parse(Buffer.from(found.value, "base64url").toString()) as Record<string, string>;
  };
  const auth = Buffer.from("me:se:cret").toString("base64");
  const mine = { username: "me", password: "se:cret" };

  test("the hub has many names, a registry its own", async () => {
    const config = JSON.stringify({
      auths: { "https://index.docker.io/v1/": { auth }, "r.example.com": { identitytoken: "t" } },
    });
    const hub = { ...mine, serveraddress: "https://index.docker.io/v1/" };
    assert.deepEqual(await authOf("docker.io", config), hub);
    const token = { identitytoken: "t", serveraddress: "r.example.com" };
    assert.deepEqual(await authOf("r.example.com", config), token);
    assert.equal(await authOf("other.example.com", config), undefined);
  });

  test("a file that is named has to be there and be JSON; nothing of it is told", async () => {
    const path = join(folder, "config.json");
    assert.match(
      String(await authOf("docker.io", path)),
      /credentials in .*config\.json .*: ENOENT$/,
    );
    writeFileSync(path, '{"auths": secret');
    const told = String(await authOf("docker.io", path));
    assert.match(told, /it is not JSON$/);
    assert.ok(!told.includes("secret"));
  });

  test("nobody named a file: Docker's own is read if it is there", async () => {
    vi.stubEnv("DOCKER_CONFIG", folder);
    assert.equal(await authOf("docker.io", undefined), undefined);
    writeFileSync(
      join(folder, "config.json"),
      JSON.stringify({ auths: { "docker.io": { auth } } }),
    );
    assert.deepEqual(await authOf("docker.io", undefined), { ...mine, serveraddress: "docker.io" });
  });

  test("a helper is asked for its registry, and its refusal is told", async () => {
    const helper = (name: string, script: string): void => {
      const path = join(folder, `docker-credential-${name}`);
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
    };
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    helper("good", `read s; echo "{\\"Username\\":\\"me\\",\\"Secret\\":\\"$s\\"}"`);
    helper("none", "echo credentials not found in native keychain; exit 1");
    helper("bad", "echo locked; exit 1");
    const from = (credsStore: string) => JSON.stringify({ credsStore });
    const told = { username: "me", password: "r.example.com", serveraddress: "r.example.com" };
    assert.deepEqual(await authOf("r.example.com", from("good")), told);
    assert.equal(await authOf("r.example.com", from("none")), undefined);
    assert.match(
      String(await authOf("r.example.com", from("bad"))),
      /docker-credential-bad: locked/,
    );
    assert.match(String(await authOf("r.example.com", from("absent"))), /no such program/);
    assert.match(String(await authOf("r.example.com", from("../x"))), /'..\/x' names no program/);
    const one = JSON.stringify({ credHelpers: { "r.example.com": "good" }, credsStore: "bad" });
    assert.deepEqual(await authOf("r.example.com", one), told);
  });

  test("what a task brings along is no link, and runs no program", async () => {
    writeFileSync(join(folder, "outside"), JSON.stringify({ auths: { "docker.io": { auth } } }));
    symlinkSync(join(folder, "outside"), join(folder, ".dockercfg"));
    assert.match(String(await authOf("docker.io", "{}")), /\.dockercfg cannot be used: ELOOP$/);
    rmSync(join(folder, ".dockercfg"));
    mkdirSync(join(folder, ".docker"));
    const helpers = JSON.stringify({ credsStore: "anything" });
    writeFileSync(join(folder, ".docker/config.json"), helpers);
    assert.equal(await authOf("docker.io", "{}"), undefined);
  });
});

describe("the check", () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
  });
  const answering = async (version: unknown, status = 200): Promise<string> => {
    const socketPath = join(folder, "sock");
    server = createServer((_request, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(version));
    });
    await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
    return socketPath;
  };
  const version = { ApiVersion: "1.41", MinAPIVersion: "1.12", Version: "20.10.24" };
  const why = async (socketPath: string, over = {}): Promise<string | undefined> => {
    const checked = await checkDocker({ ...DOCKER_DEFAULTS, socketPath, ...over });
    return checked.ok ? undefined : checked.error.why;
  };

  test("a daemon that is not there says where it should be", async () => {
    const socketPath = join(folder, "absent");
    assert.match(
      (await why(socketPath)) ?? "",
      /absent does not answer \(ENOENT\); start it, or name/,
    );
  });

  test("a version with a known escape is used only when the operator says so", async () => {
    const Components = [
      { Name: "runc", Version: "1.0.0", Details: { GitCommit: "v1.0.0-0-g84113ee" } },
    ];
    const socketPath = await answering({ ...version, Components });
    assert.match(
      (await why(socketPath)) ?? "",
      /^runc 1\.0\.0-0-g84113ee lets .*--docker-allow-vulnerable$/,
    );
    assert.equal(await why(socketPath, { allowVulnerable: true }), undefined);
  });

  test("a daemon that is too new or too old says which versions meet", async () => {
    const socketPath = await answering({ ...version, ApiVersion: "1.99", MinAPIVersion: "1.90" });
    assert.match((await why(socketPath)) ?? "", /speaks API 1\.90 to 1\.99, this agent 1\.24 to/);
  });

  test("what is no daemon is told by its answer", async () => {
    const socketPath = await answering({ message: "go away" }, 403);
    assert.match((await why(socketPath)) ?? "", /failed to tell its version: go away/);
  });
});

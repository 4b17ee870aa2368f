import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { Outward } from "../../../../agent/outward/outward.ts";
import { FetchCache } from "../../../../agent/shell/fetcher/cache.ts";
import { FETCH_LIMITS, fetchUris } from "../../../../agent/shell/fetcher/fetcher.ts";
import type * as mesos from "../../../../worker/protocol/v1/mesos.ts";
import { requirement } from "../../../support/require.ts";

const archivers = requirement("archivers");

const made: string[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "rimrock-fetch-"));
  made.push(path);
  return path;
}

const outward = new Outward({ keepAlive: false });
const cacheFolder = join(tmpdir(), `rimrock-fetch-${process.pid}`);
const cache = new FetchCache(cacheFolder, 1_000_000);
const workDirectory = mkdtempSync(join(tmpdir(), "rimrock-work-"));
afterAll(() => rmSync(workDirectory, { recursive: true }));
const means = { outward, cache, workDirectory, say: () => {} };

/** A sandbox beside a folder with what is fetched into it. */
function folders(): { sandbox: string; from: string } {
  const path = folder();
  const [sandbox, from] = [join(path, "sandbox"), join(path, "from")];
  mkdirSync(sandbox);
  mkdirSync(from);
  return { sandbox, from };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // `listen` on TCP gives an address with a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The error, or undefined. */
async function fetchInto(
  directory: string,
  uris: readonly (string | mesos.CommandInfoURI)[],
  limits: Partial<typeof FETCH_LIMITS> = {},
  signal = new AbortController().signal,
): Promise<string | undefined> {
  const infos = uris.map((uri) => (typeof uri === "string" ? { value: uri } : uri));
  const request = { uris: infos, directory, account: undefined, signal, ...means };
  const fetched = await fetchUris(request, { ...FETCH_LIMITS, ...limits });
  return fetched.ok ? undefined : fetched.error;
}

const read = (directory: string, name: string) => readFileSync(join(directory, name), "utf8");

describe("files", () => {
  test("a path and a file:// URI are copied; executable ones are executable", async () => {
    const { sandbox, from } = folders();
    writeFileSync(join(from, "a"), "A");
    writeFileSync(join(from, "b"), "B");
    const b = { value: `file://${from}/b`, executable: true, output_file: "bin/deep/b" };
    expect(await fetchInto(sandbox, [`${from}/a`, b])).toBeUndefined();
    expect(read(sandbox, "a")).toBe("A");
    expect(read(sandbox, "bin/deep/b")).toBe("B");
    expect(statSync(join(sandbox, "bin/deep/b")).mode & 0o111).toBe(0o111);
    expect(statSync(join(sandbox, "a")).mode & 0o111).toBe(0);
  });

  test("a file that is not there, a folder and a device are refused by name", async () => {
    const { sandbox, from } = folders();
    const missing = await fetchInto(sandbox, [`${from}/no`]);
    expect(missing).toMatch(
      /^Failed to fetch '.*\/from\/no': there is no such file on this agent$/,
    );
    expect(await fetchInto(sandbox, [from])).toMatch(/not a regular file/);
    expect(await fetchInto(sandbox, ["/dev/zero"])).toMatch(/not a regular file/);
  });

  test("what is the agent's own is fetched for nobody, by whatever way its path leads", async () => {
    const { sandbox, from } = folders();
    writeFileSync(join(workDirectory, "api-token"), "secret");
    symlinkSync(workDirectory, join(from, "folder"));
    symlinkSync(join(workDirectory, "api-token"), join(from, "file"));
    const ways = [
      join(workDirectory, "api-token"),
      `file://${from}/../../${basename(workDirectory)}/api-token`,
      join(from, "folder/api-token"),
      join(from, "file"),
    ];
    for (const way of ways) {
      expect(await fetchInto(sandbox, [way]), way).toMatch(/it is in the agent's own folder/);
    }
    for (const file of ["environ", "maps", "root/etc/hostname/../../proc/self/environ"]) {
      const error = await fetchInto(sandbox, [`/proc/${process.pid}/${file}`]);
      expect(error, file).toMatch(/it is the kernel's|no such file/);
    }
    expect(readdirSync(sandbox)).toEqual([]);
  });

  test("what the task's user may not read is not read for it", async () => {
    if (process.geteuid?.() !== 0) return;
    const { sandbox, from } = folders();
    const secret = join(from, "secret");
    writeFileSync(secret, "S", { mode: 0o600 });
    const account = { userId: 65534, groupId: 65534 };
    const { signal } = new AbortController();
    const request = { uris: [{ value: secret }], directory: sandbox, account, signal, ...means };
    expect(await fetchUris(request)).toMatchObject({ ok: false });
    expect(existsSync(join(sandbox, "secret"))).toBe(false);
  });

  test("everything fetched is the task's user's, who need not be able to reach the sandbox by its path", async () => {
    if (process.geteuid?.() !== 0) return;
    const { sandbox, from } = folders();
    const open = folder();
    chmodSync(open, 0o755);
    writeFileSync(join(from, "f"), "F", { mode: 0o644 });
    execFileSync("tar", ["-czf", join(open, "a.tgz"), "f"], { cwd: from });
    writeFileSync(join(open, "g.gz"), gzipSync("G"));
    const url = await serve((_request, response) => response.end("H"));
    const account = { userId: 65534, groupId: 65534 };
    chownSync(sandbox, 65534, 65534);
    const values = [join(open, "a.tgz"), join(open, "g.gz"), `${url}/h`];
    const uris = [...values.map((value) => ({ value })), { value: `${url}/x`, output_file: "d/x" }];
    const { signal } = new AbortController();
    expect(await fetchUris({ uris, directory: sandbox, account, signal, ...means })).toEqual({
      ok: true,
      value: undefined,
    });
    const names = ["a.tgz", "d", "d/x", "f", "g", "g.gz", "h"];
    expect(names.map((name) => statSync(join(sandbox, name)).uid)).toEqual(names.map(() => 65534));
  });

  test("the first failure ends it, and what was fetched in place of a link replaces the link", async () => {
    const { sandbox, from } = folders();
    const precious = join(from, "precious");
    writeFileSync(precious, "P");
    writeFileSync(join(from, "a"), "A");
    symlinkSync(precious, join(sandbox, "a"));
    expect(await fetchInto(sandbox, [`${from}/a`, "nowhere", `${from}/precious`])).toMatch(
      /relative/,
    );
    expect(read(sandbox, "a")).toBe("A");
    expect(readFileSync(precious, "utf8")).toBe("P");
    expect(readdirSync(sandbox)).toEqual(["a"]);
  });

  test("an output_file below a link is refused", async () => {
    const { sandbox, from } = folders();
    writeFileSync(join(from, "a"), "A");
    symlinkSync(from, join(sandbox, "link"));
    const uri = { value: `${from}/a`, output_file: "link/b" };
    expect(await fetchInto(sandbox, [uri])).toMatch(/EEXIST/);
    expect(readdirSync(from)).toEqual(["a"]);
  });
});

describe("HTTP", () => {
  test("redirects are followed, to a bound", async () => {
    const { sandbox } = folders();
    const url = await serve((request, response) => {
      if (request.url === "/a") response.writeHead(302, { location: "/b/real" }).end();
      else if (request.url === "/loop") response.writeHead(301, { location: "/loop" }).end();
      else if (request.url === "/odd") response.writeHead(301, { location: "ftp://h/x" }).end();
      else response.end("bytes");
    });
    expect(await fetchInto(sandbox, [`${url}/a`])).toBeUndefined();
    expect(read(sandbox, "a")).toBe("bytes");
    expect(await fetchInto(sandbox, [`${url}/loop`])).toMatch(/redirected more than 10 times/);
    expect(await fetchInto(sandbox, [`${url}/odd`])).toMatch(/redirected to 'ftp:'/);
  });

  test("an answer that is not 200, a server that is not there: the URI and why", async () => {
    const { sandbox } = folders();
    const url = await serve((_request, response) => response.writeHead(404).end("no"));
    expect(await fetchInto(sandbox, [`${url}/x`])).toBe(`Failed to fetch '${url}/x': HTTP 404`);
    expect(await fetchInto(sandbox, ["http://127.0.0.1:1/x"])).toMatch(/ECONNREFUSED/);
  });

  test("a server that stalls, before or within its answer, is given up", async () => {
    const { sandbox } = folders();
    const url = await serve((request, response) => {
      if (request.url === "/within") response.writeHead(200).write("some");
    });
    for (const path of ["/before", "/within"]) {
      const error = await fetchInto(sandbox, [`${url}${path}`], { stallMs: 200 });
      expect(error, path).toMatch(/not a byte came for 0.2 s/);
    }
  });

  test("a connection that breaks in the middle is a failure, not a short file", async () => {
    const { sandbox } = folders();
    const url = await serve((_request, response) => {
      response.writeHead(200, { "content-length": "100" }).write("some");
      setTimeout(() => response.destroy(), 50);
    });
    expect(await fetchInto(sandbox, [`${url}/x`])).toMatch(/broke before its end/);
  });

  test("more than the bound is a failure", async () => {
    const { sandbox, from } = folders();
    const url = await serve((_request, response) => response.end("x".repeat(2_000)));
    expect(await fetchInto(sandbox, [`${url}/x`], { bytesMax: 1_000 })).toMatch(/more than 1000/);
    writeFileSync(join(from, "big"), "x".repeat(2_000));
    expect(await fetchInto(sandbox, [`${from}/big`], { bytesMax: 1_000 })).toMatch(
      /more than 1000/,
    );
  });

  test("a fetch that is cancelled ends at once", async () => {
    const { sandbox } = folders();
    const url = await serve(() => {});
    const abort = new AbortController();
    const fetching = fetchInto(sandbox, [`${url}/x`], {}, abort.signal);
    await sleep(50);
    abort.abort();
    expect(await fetching).toMatch(/Failed to fetch/);
  });
});

/** An archive with one empty member; the format's fields are by byte offset (POSIX ustar). */
function tarOf(member: { name: string; type: string; target?: string }): Buffer {
  const block = Buffer.alloc(1_536);
  block.write(member.name, 0);
  block.write("0000644\0" + "0000000\0" + "0000000\0" + "00000000000\0" + "00000000000\0", 100);
  block.write("        ", 148);
  block.write(member.type, 156);
  block.write(member.target ?? "", 157);
  block.write("ustar\0" + "00", 257);
  const sum = block.subarray(0, 512).reduce((a, b) => a + b, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

describe("archives", () => {
  /** In `from`: a folder `in` with a file `f`, and what `pack` makes of it. */
  function packed(from: string, [file, ...argv]: readonly string[]): void {
    mkdirSync(join(from, "in"), { recursive: true });
    writeFileSync(join(from, "in/f"), "F");
    execFileSync(file ?? "", argv, { cwd: from, stdio: "pipe" });
  }

  test.skipIf(archivers.missing).each([
    ["a.tar", "tar", "-cf", "a.tar", "in"],
    ["a.tgz", "tar", "-czf", "a.tgz", "in"],
    ["a.tar.bz2", "tar", "-cjf", "a.tar.bz2", "in"],
    ["a.txz", "tar", "-cJf", "a.txz", "in"],
    ["a.zip", "zip", "-qr", "a.zip", "in"],
  ] as const)(archivers.title("%s is extracted beside itself"), async (name, ...pack) => {
    const { sandbox, from } = folders();
    packed(from, [...pack]);
    expect(await fetchInto(sandbox, [`${from}/${name}`])).toBeUndefined();
    expect(read(sandbox, "in/f")).toBe("F");
    expect(readdirSync(sandbox).sort()).toEqual([name, "in"]);
  });

  test("a .gz is unpacked to its name without the suffix, within the bound", async () => {
    const { sandbox, from } = folders();
    writeFileSync(join(from, "f.gz"), gzipSync("F".repeat(100_000)));
    expect(await fetchInto(sandbox, [`${from}/f.gz`])).toBeUndefined();
    expect(read(sandbox, "f")).toBe("F".repeat(100_000));
    expect(await fetchInto(sandbox, [`${from}/f.gz`], { bytesMax: 50_000 })).toMatch(/more than/);
  });

  test("an archive with a member that leaves the sandbox is refused whole", async () => {
    const { sandbox, from } = folders();
    packed(from, ["tar", "-Pcf", "up.tar", "in/f", "--transform", "s,in/f,../f,"]);
    packed(from, ["tar", "-Pcf", "root.tar", join(from, "in/f")]);
    for (const name of ["up.tar", "root.tar"]) {
      expect(await fetchInto(sandbox, [`${from}/${name}`]), name).toMatch(
        /would leave the sandbox/,
      );
    }
    expect(readdirSync(sandbox).sort()).toEqual(["root.tar", "up.tar"]);
  });

  test("a member that goes through a link of the same archive does not arrive outside", async () => {
    const { sandbox, from } = folders();
    const outside = join(from, "outside");
    mkdirSync(outside);
    symlinkSync(outside, join(from, "link"));
    execFileSync("tar", ["-cf", "evil.tar", "link"], { cwd: from });
    rmSync(join(from, "link"));
    mkdirSync(join(from, "link"));
    writeFileSync(join(from, "link/f"), "F");
    execFileSync("tar", ["-rf", "evil.tar", "link/f"], { cwd: from });
    await fetchInto(sandbox, [`${from}/evil.tar`]);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("links that one archive leaves lead the next one nowhere", async () => {
    const { sandbox, from } = folders();
    const outside = join(from, "outside");
    mkdirSync(outside);
    symlinkSync(outside, join(sandbox, "planted"));
    packed(from, ["tar", "-cf", "a.tar", "in/f", "--transform", "s,in/f,planted/f,"]);
    expect(await fetchInto(sandbox, [`${from}/a.tar`])).toMatch(/planted is there already/);
    packed(from, ["tar", "-cf", "b.tar", "in/f", "--transform", "s,in/f,planted,"]);
    expect(await fetchInto(sandbox, [`${from}/b.tar`])).toBeUndefined();
    expect(read(sandbox, "planted")).toBe("F");
    expect(readdirSync(outside)).toEqual([]);
  });

  test.skipIf(archivers.missing).each([
    ["a.tar", "tar", "-cf", "a.tar", "in"],
    ["a.zip", "zip", "-qry", "a.zip", "in"],
  ] as const)(
    archivers.title("%s: a link that leads out by way of another one is refused"),
    async (name, ...pack) => {
      const { sandbox, from } = folders();
      mkdirSync(join(from, "in/x"), { recursive: true });
      // Each for itself stays inside.
      symlinkSync("..", join(from, "in/x/up"));
      symlinkSync("..", join(from, "in/upper"));
      symlinkSync("in/upper/in/upper/in/x/up", join(from, "fine"));
      symlinkSync("x/up/../..", join(from, "in/out"));
      packed(from, [...pack]);
      expect(await fetchInto(sandbox, [`${from}/${name}`])).toMatch(
        /its link 'in\/out' to 'x\/up\/..\/..' would leave the sandbox/,
      );
      expect(readdirSync(sandbox)).toEqual([name]);
    },
  );

  test("the folder that an archive was made of gives the sandbox no other rights", async () => {
    const { sandbox, from } = folders();
    chmodSync(sandbox, 0o700);
    mkdirSync(join(from, "in"));
    writeFileSync(join(from, "in/f"), "F");
    chmodSync(join(from, "in"), 0o555);
    execFileSync("tar", ["-C", "in", "-cf", "a.tar", "."], { cwd: from });
    expect(await fetchInto(sandbox, [`${from}/a.tar`])).toBeUndefined();
    expect(read(sandbox, "f")).toBe("F");
    expect(statSync(sandbox).mode & 0o777).toBe(0o700);
  });

  test("folders of several archives become one; the younger file stays", async () => {
    const { sandbox, from } = folders();
    packed(from, ["tar", "-cf", "a.tar", "in/f"]);
    writeFileSync(join(from, "in/g"), "G");
    writeFileSync(join(from, "in/f"), "new");
    execFileSync("tar", ["-czf", "b.tgz", "in"], { cwd: from });
    expect(await fetchInto(sandbox, [`${from}/a.tar`, `${from}/b.tgz`])).toBeUndefined();
    expect([read(sandbox, "in/f"), read(sandbox, "in/g")]).toEqual(["new", "G"]);
    expect(readdirSync(cacheFolder)).toEqual([]);
  });

  test("a pipe, a device and a hard link to something outside come from no archive", async () => {
    const { sandbox, from } = folders();
    execFileSync("mkfifo", [join(from, "pipe")]);
    execFileSync("tar", ["-cf", "pipe.tar", "pipe"], { cwd: from });
    expect(await fetchInto(sandbox, [`${from}/pipe.tar`])).toMatch(/is a device or a pipe/);
    const hard = tarOf({ name: "h", type: "1", target: "../../etc/passwd" });
    writeFileSync(join(from, "hard.tar"), hard);
    expect(await fetchInto(sandbox, [`${from}/hard.tar`])).toMatch(/tar exited with status 2/);
    writeFileSync(join(from, "odd.tar"), tarOf({ name: "odd", type: "Z" }));
    expect(await fetchInto(sandbox, [`${from}/odd.tar`])).toMatch(/no member's kind: '\?rw/);
    writeFileSync(join(from, "line.tar"), tarOf({ name: "a\n-rw-r--r-- r/r 0 ../x", type: "0" }));
    expect(await fetchInto(sandbox, [`${from}/line.tar`])).toBeUndefined();
    expect(readdirSync(sandbox).sort()).toEqual([
      ...["a\n-rw-r--r-- r", "hard.tar", "line.tar", "odd.tar", "pipe.tar"],
    ]);
  });

  test("what is no archive says so with the program's words", async () => {
    const { sandbox, from } = folders();
    writeFileSync(join(from, "a.tgz"), "not one");
    expect(await fetchInto(sandbox, [`${from}/a.tgz`])).toMatch(/tar exited with status 2 \(.+\)/);
    writeFileSync(join(from, "a.zip"), "not one");
    expect(await fetchInto(sandbox, [`${from}/a.zip`])).toMatch(/unzip exited with status \d+/);
  });
});

/** URIs that a program of the machine fetches: a real FTP server, and a client like Hadoop's. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { Outward } from "../../../../agent/outward/outward.ts";
import { FetchCache } from "../../../../agent/shell/fetcher/cache.ts";
import { FETCH_LIMITS, fetchUris } from "../../../../agent/shell/fetcher/fetcher.ts";
import { requirement } from "../../../support/require.ts";
import { cleanUp, temporaryDirectory } from "../agent-process.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => cleanUp());

let sandbox: string;
let hadoopHome: string;
beforeEach(() => {
  const folder = temporaryDirectory();
  [sandbox, hadoopHome] = [join(folder, "sandbox"), join(folder, "hadoop")];
  for (const path of [sandbox, join(hadoopHome, "bin")]) mkdirSync(path, { recursive: true });
});

/** The error, or undefined. */
async function fetched(value: string, signal = new AbortController().signal) {
  const workDirectory = temporaryDirectory();
  const result = await fetchUris(
    {
      ...{ uris: [{ value }], directory: sandbox, workDirectory, account: undefined, signal },
      outward: new Outward({ certificates: undefined, keepAlive: false }),
      cache: new FetchCache(join(workDirectory, "cache"), 0),
      places: { frameworksHome: undefined, hadoopHome },
      say: () => {},
    },
    FETCH_LIMITS,
  );
  return result.ok ? undefined : result.error;
}

/** As much of RFC 959 and 2428 as one passive download takes; the files are these. */
async function ftpServer(files: Readonly<Record<string, string>>): Promise<number> {
  const waiting: Socket[] = [];
  const data = await listening((socket) => void waiting.push(socket));
  return await listening((socket) => {
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    const answers: Readonly<Record<string, (argument: string) => void>> = {
      USER: () => say("331 and the password?"),
      PASS: () => say("230 in"),
      PWD: () => say('257 "/"'),
      EPSV: () => say(`229 passive (|||${data}|)`),
      TYPE: () => say("200 so be it"),
      SIZE: (name) => say(name in files ? `213 ${files[name]?.length}` : "550 no such file"),
      RETR: (name) => {
        if (!(name in files)) return say("550 no such file");
        say("150 here it comes");
        waiting.shift()?.end(files[name] ?? "");
        say("226 that was it");
      },
      QUIT: () => void socket.end("221 bye\r\n"),
    };
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().split("\r\n").filter(Boolean)) {
        const [, verb = "", argument = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
        (answers[verb] ?? (() => say("502 what?")))(argument);
      }
    });
    socket.on("error", () => {});
    say("220 ready");
  });
}

async function listening(connected: (socket: Socket) => void): Promise<number> {
  const server = createServer(connected);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // `listen` on TCP gives an address with a port.
  return (server.address() as AddressInfo).port;
}

const curl = requirement("curl");
test.skipIf(curl.missing)(
  curl.title("a file comes by FTP, through curl; one that is not there is told"),
  async () => {
    const port = await ftpServer({ data: "by FTP" });
    expect(await fetched(`ftp://127.0.0.1:${port}/data`)).toBeUndefined();
    expect(readFileSync(join(sandbox, "data"), "utf8")).toBe("by FTP");
    expect(await fetched(`ftp://127.0.0.1:${port}/other`)).toMatch(
      /^Failed to fetch 'ftp:\/\/127\.0\.0\.1:\d+\/other': curl exited with status \d+ \(/,
    );
  },
);

/** Notes what it is called with, in the sandbox, where it is called. */
function hadoop(script: string): void {
  const path = join(hadoopHome, "bin/hadoop");
  writeFileSync(path, `#!/bin/sh\necho "$PWD $*" > called\n${script}\n`);
  chmodSync(path, 0o755);
}

test("what only Hadoop knows comes through its client, and is extracted as anything else", async () => {
  hadoop('test "$HADOOP_CONF_DIR" = /etc/h && printf data | gzip > "$4"');
  process.env.HADOOP_CONF_DIR = "/etc/h";
  expect(await fetched("hdfs://name:8020/in/data.gz")).toBeUndefined();
  delete process.env.HADOOP_CONF_DIR;
  const called = `${sandbox} fs -copyToLocal hdfs://name:8020/in/data.gz ./data.gz\n`;
  expect(readFileSync(join(sandbox, "called"), "utf8")).toBe(called);
  expect(readFileSync(join(sandbox, "data"), "utf8")).toBe("data");
});

test("its last words are told when it fails, and that it is missing", async () => {
  expect(await fetched("s3a://bucket/a")).toMatch(/hadoop is not installed on this agent$/);
  hadoop("echo 'copyToLocal: no such bucket' >&2; exit 1");
  expect(await fetched("s3a://bucket/a")).toMatch(
    /hadoop exited with status 1 \(copyToLocal: no such bucket\)$/,
  );
});

test("it ends when its task is killed", async () => {
  hadoop("exec sleep 1000");
  const killed = new AbortController();
  const fetching = fetched("hdfs://h/a", killed.signal);
  await expect.poll(() => existsSync(join(sandbox, "called"))).toBe(true);
  killed.abort();
  expect(await fetching).toMatch(/hadoop/);
});

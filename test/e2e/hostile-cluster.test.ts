/** What aborted a Mesos master, or could a JSON parser, against a whole cluster. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endEverything, startCluster, type TestCluster } from "./harness.ts";
import { RawConnection } from "./raw-connection.ts";

let cluster: TestCluster;
let pids: readonly (number | undefined)[];
const processes = ["supervisor", "control-plane", "front-door", "agent-1"];
const open: RawConnection[] = [];

beforeAll(async () => {
  cluster = await startCluster({ agents: 1 });
  pids = processes.map((name) => cluster.pidOf(name));
});

afterAll(async () => {
  for (const connection of open) connection.close();
  // Whatever came, nobody had to be started again.
  expect(processes.map((name) => cluster.pidOf(name))).toEqual(pids);
  await endEverything();
});

async function connect(): Promise<RawConnection> {
  const connection = await RawConnection.open(Number(new URL(cluster.url).port));
  open.push(connection);
  return connection;
}

function post(path: string, body: string, headers = ""): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n${headers}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** Status and body of the next answer that tells its length. */
async function answerOf(connection: RawConnection): Promise<readonly [number, string]> {
  const { status, lines } = await connection.readHead();
  const length = lines.find((line) => /^content-length:/i.test(line))?.split(":")[1];
  return [status, (await connection.readBytes(Number(length ?? 0))).toString()];
}

interface Subscribed {
  readonly frameworkId: string;
  readonly streamId: string;
}

async function subscribe(): Promise<Subscribed> {
  const connection = await connect();
  const framework_info = { user: "root", name: "hostile" };
  const call = { type: "SUBSCRIBE", subscribe: { framework_info } };
  connection.send(post("/api/v1/scheduler", JSON.stringify(call)));
  const head = await connection.readHead();
  const [, streamId = ""] =
    head.lines.map((line) => /^mesos-stream-id: (.*)$/i.exec(line)).find((match) => match) ?? [];
  const text = (await connection.readChunk()).toString();
  // The first event of a stream is SUBSCRIBED.
  const { subscribed } = JSON.parse(text.slice(text.indexOf("\n"))) as {
    subscribed: { framework_id: { value: string } };
  };
  return { frameworkId: subscribed.framework_id.value, streamId };
}

describe("thousands of calls sent ahead on one connection", () => {
  test("5,000 GET /health are all answered", async () => {
    const connection = await connect();
    connection.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n".repeat(5_000));
    for (let at = 0; at < 5_000; at++) expect((await answerOf(connection))[0]).toBe(200);
  });

  test("2,000 DECLINE are all answered, in order, each by its own answer", async () => {
    const { frameworkId, streamId } = await subscribe();
    const framework_id = { value: frameworkId };
    const connection = await connect();
    const expected: number[] = [];
    let text = "";
    for (let at = 0; at < 2_000; at++) {
      // Every seventh one is of a framework that there is not.
      const isWrong = at % 7 === 0;
      expected.push(isWrong ? 400 : 202);
      const call = {
        type: "DECLINE",
        framework_id: isWrong ? { value: "nobody" } : framework_id,
        decline: { offer_ids: [{ value: `none-${at}` }] },
      };
      const body = JSON.stringify(call);
      text += post("/api/v1/scheduler", body, `Mesos-Stream-Id: ${streamId}\r\n`);
    }
    connection.send(text);
    const statuses: number[] = [];
    for (const _ of expected) statuses.push((await answerOf(connection))[0]);
    expect(statuses).toEqual(expected);
  });
});

describe("bodies", () => {
  const paths = ["/api/v1", "/api/v1/scheduler", "/agent-link/v1/register", "/agent/x/api/v1"];
  const bodies: Readonly<Record<string, readonly [body: string, status: number]>> = {
    "lists 10,000 deep": ["[".repeat(10_000) + "]".repeat(10_000), 413],
    "objects 10,000 deep": [`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, 413],
    "5 MB of open brackets": ["[".repeat(5_000_000), 413],
    "a million empty lists": [`{"x":[${"[],".repeat(1_000_000)}[]]}`, 413],
    "9 MB": [`"${"x".repeat(9_000_000)}"`, 413],
    "a number of a million digits": [`{"type":${"9".repeat(1_000_000)}}`, 400],
    nothing: ["", 400],
    "half an object": ['{"type":"GET_', 400],
    "a lone surrogate and no type": ['{"x":"\\ud800"}', 400],
    "__proto__ with a type": ['{"__proto__":{"type":"GET_HEALTH"}}', 400],
  };

  test.each(Object.entries(bodies))("%s", async (_, [body, status]) => {
    for (const path of paths) {
      const connection = await connect();
      connection.send(post(path, body));
      expect((await answerOf(connection))[0], path).toBe(status);
      connection.close();
    }
  });

  test("100 MB get 413, and the front door does not keep them", async () => {
    const body = new Blob([new Uint8Array(100 * 1024 * 1024)]);
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${cluster.url}/api/v1`, { method: "POST", headers, body });
    expect(answer.status).toBe(413);
  });

  test("a body that stands still holds up nobody", async () => {
    const slow = await connect();
    slow.send(
      "POST /api/v1 HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    );
    const other = await connect();
    other.send(post("/api/v1", '{"type":"GET_HEALTH"}'));
    expect((await answerOf(other))[0]).toBe(200);
  });
});

test("no path brings the edge down", async () => {
  const paths = [
    ...[
      "//",
      "/..",
      "/../../state",
      "/%00",
      "/%zz",
      "/%2e%2e/state",
      "/master//state",
      "/agent//api/v1",
    ],
    ...["/__proto__", "/constructor", "/state?jsonp=%ff", "/slaves?slave_id=__proto__", "/{}|^`"],
    ...["/tasks?limit=1e999&offset=-1", "/tasks?limit=NaN&order=__proto__", "/redirect?x"],
  ];
  for (const host of ["h", "h:99999", "1.2.3.4.5", "xn--", "[:::::]"]) {
    for (const path of paths) {
      const connection = await connect();
      connection.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const { status } = await connection.readHead();
      expect(status, `${host}${path}`).toBeLessThan(500);
      connection.close();
    }
  }
});

test("REMOVE_QUOTA of a role without one, and a scheduler call of type UNKNOWN, end nothing", async () => {
  const { frameworkId, streamId } = await subscribe();
  const unknown = { type: "UNKNOWN", framework_id: { value: frameworkId } };
  const connection = await connect();
  const body = JSON.stringify(unknown);
  connection.send(post("/api/v1/scheduler", body, `Mesos-Stream-Id: ${streamId}\r\n`));
  const [status] = await answerOf(connection);
  expect([400, 501]).toContain(status);
  const remove = { type: "REMOVE_QUOTA", remove_quota: { role: "without-quota" } };
  connection.send(post("/api/v1", JSON.stringify(remove)));
  expect([400, 501]).toContain((await answerOf(connection))[0]);
  connection.send(post("/api/v1", '{"type":"GET_HEALTH"}'));
  expect((await answerOf(connection))[0]).toBe(200);
});

/**
 * mesos-go, unmodified, against a running cluster: the scheduler API and the operator API, in JSON
 * and in protobuf. The cases are Go tests of our own in `mesos-go/`, run one by one against the
 * same cluster; each leaves the cluster as it found it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  endEverything,
  newFolder,
  ROOT,
  startCluster,
  startProcess,
  type TestCluster,
  type TestProcess,
} from "../e2e/harness.ts";
import { MESOS_GO_PATH, requirement } from "../support/require.ts";
import { knownFailures } from "./known-failures.ts";

const mesosGo = requirement("mesos-go");
const sources = join(ROOT, "test/compat/mesos-go");
const encodings = ["protobuf", "json"] as const;

/**
 * The Go tests by name, read from the sources, so that none is forgotten. `TestMain` is where Go
 * begins with all of them.
 */
const cases: readonly string[] = readdirSync(sources).flatMap((file) =>
  [...readFileSync(join(sources, file), "utf8").matchAll(/^func (Test(?!Main\()\w+)\(/gm)].map(
    ([, name = ""]) => name,
  ),
);

const failures = knownFailures("mesos-go");

test("every known failure of mesos-go is about a case that there is", () => {
  const known = encodings.flatMap((encoding) => cases.map((name) => `${encoding} ${name}`));
  expect(failures.map(({ encoding, name }) => `${encoding} ${name}`)).toSatisfy(
    (named: readonly string[]) => named.every((name) => known.includes(name)),
  );
});

describe.skipIf(mesosGo.missing)(mesosGo.title("mesos-go"), () => {
  let program: string;
  let cluster: TestCluster;

  beforeAll(async () => {
    program = await build();
    cluster = await startCluster({ agents: 2, args: ["--cpus", "4", "--mem", "2048"] });
  });
  afterAll(endEverything);

  for (const encoding of encodings) {
    for (const name of cases) {
      const failure = failures.find((known) => known.encoding === encoding && known.name === name);
      const outcome = failure === undefined ? "" : ", which it cannot";
      test(`in ${encoding}: ${inWords(name)}${outcome}`, async () => {
        const started = startProcess(program, ["-test.v", "-test.run", `^${name}$`], {
          env: { MESOS_MASTER: cluster.url, MESOS_ENCODING: encoding },
        });
        const status = await started.ended;
        const said = outputOf(started);
        expect(said).toContain(`=== RUN   ${name}`);
        expect(status, said).toBe(failure === undefined ? 0 : 1);
        if (failure !== undefined) expect(said).toContain(failure.says);
      });
    }
  }
});

/** Compiles all cases, and mesos-go, into one program; what was compiled stays for the next run. */
async function build(): Promise<string> {
  const program = join(newFolder(), "cases");
  const compiler = startProcess("go", ["test", "-c", "-o", program, "."], {
    cwd: sources,
    env: {
      GO111MODULE: "off",
      GOPATH: MESOS_GO_PATH,
      GOENV: "off",
      GOFLAGS: "",
      CGO_ENABLED: "0",
      GOCACHE: join(ROOT, "node_modules/.cache/rimrock/go-build"),
    },
  });
  expect(await compiler.ended, outputOf(compiler)).toBe(0);
  return program;
}

function outputOf({ out, err }: TestProcess): string {
  return [...out, ...err].join("\n");
}

/** `TestATaskIsKilled` is "a task is killed". */
function inWords(name: string): string {
  return name
    .replace(/^Test/, "")
    .replaceAll(/(?<=.)(?=[A-Z])/g, " ")
    .toLowerCase();
}

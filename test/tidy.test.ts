/**
 * Rules of the house that no compiler checks: who may import whom, what pure rooms may not use, how
 * long a file may grow. (Functions of at most 60 lines and named exports are rules of the linter.)
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const LINES_MAX = 500;
/** The formatter keeps code within 100 columns but cannot break strings and comments. */
const COMMENT_COLUMNS_MAX = 100;
const COLUMNS_MAX = 160;

/**
 * Rooms from the innermost outwards, by the folder (or file) that they begin with; the longest
 * match counts.
 */
const rooms = [
  "worker/std",
  "worker/protocol",
  "worker/resources",
  "worker/operation",
  "worker/core",
  "worker/durable",
  "worker/relay",
  "worker/http",
  "worker/sdk",
  "worker/", // wiring: index, env, config and what they share
  "agent/core",
  "agent/containerizer",
  "agent/discovery",
  "agent/outward",
  "agent/task-checks",
  "agent/shell",
  "agent/api",
  "agent/check",
  "agent/cli",
  "agent/dev",
  "agent/bin",
  "agent/", // main, config
] as const;
type Room = (typeof rooms)[number];

/** What a room may import besides itself. */
const mayImport: { readonly [R in Room]: readonly Room[] } = {
  "worker/std": [],
  "worker/protocol": ["worker/std"],
  "worker/resources": ["worker/std", "worker/protocol"],
  "worker/operation": ["worker/std", "worker/protocol", "worker/resources"],
  "worker/core": ["worker/std", "worker/protocol", "worker/resources", "worker/operation"],
  "worker/durable": ["worker/std", "worker/protocol", "worker/resources", "worker/core", "worker/"],
  "worker/relay": ["worker/std", "worker/protocol", "worker/core", "worker/"],
  "worker/http": [
    "worker/std",
    "worker/protocol",
    "worker/resources",
    "worker/operation",
    "worker/core",
    "worker/",
  ],
  "worker/sdk": ["worker/std", "worker/protocol", "worker/resources"],
  "worker/": [
    "worker/std",
    "worker/protocol",
    "worker/core",
    "worker/durable",
    "worker/relay",
    "worker/http",
  ],
  "agent/core": [
    "worker/std",
    "worker/protocol",
    "worker/resources",
    "worker/operation",
    "agent/containerizer", // its contract: types only
  ],
  "agent/containerizer": ["worker/std", "worker/protocol"],
  "agent/discovery": [
    "worker/std",
    "worker/protocol",
    "worker/resources",
    "agent/containerizer",
    "agent/shell",
  ],
  "agent/outward": ["worker/std", "worker/sdk"],
  "agent/task-checks": ["worker/std", "worker/protocol", "agent/core", "agent/containerizer"],
  "agent/shell": [
    "worker/std",
    "worker/protocol",
    "worker/resources",
    "agent/core",
    "agent/containerizer",
    "agent/outward",
    "agent/task-checks",
    "agent/",
  ],
  "agent/api": [
    "worker/std",
    "worker/protocol",
    "worker/resources",
    "agent/core",
    "agent/containerizer",
    "agent/shell",
    "agent/", // config, build
  ],
  "agent/check": [
    "worker/std",
    "agent/containerizer",
    "agent/discovery",
    "agent/outward",
    "agent/shell",
    "agent/", // config
  ],
  "agent/cli": [
    "worker/std",
    "worker/protocol",
    "worker/resources",
    "worker/sdk",
    "agent/dev",
    "agent/containerizer",
    "agent/outward",
  ],
  "agent/dev": [
    "worker/std",
    "worker/protocol",
    "agent/cli",
    "agent/containerizer",
    "agent/discovery",
    "agent/shell",
  ],
  "agent/bin": ["agent/dev"],
  "agent/": [
    "worker/std",
    "worker/protocol",
    "worker/resources",
    "agent/core",
    "agent/shell",
    "agent/api",
    "agent/check",
    "agent/containerizer",
    "agent/discovery",
    "agent/outward",
    "agent/task-checks",
  ],
};

const pureRooms: readonly Room[] = [
  "worker/std",
  "worker/protocol",
  "worker/resources",
  "worker/operation",
  "worker/core",
  "agent/core",
];

/** Pure beyond their room: the relay's decisions, which the simulator drives too. */
const pureFiles = ["worker/relay/relay-core.ts", "worker/relay/state.ts"];

const impure: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/, "Date.now: time comes with the stamp"],
  [/\bnew Date\(\)/, "new Date(): time comes with the stamp"],
  [/\bMath\.random\b/, "Math.random: randomness comes with the stamp"],
  [/\basync\b(?! shape)/, "async: a step is synchronous"],
  [/\bawait\b/, "await: a step is synchronous"],
  [/\bsetTimeout\b|\bsetInterval\b/, "timers: a due time is a row"],
  [/\bconsole\./, "console: the shell logs"],
];

interface Source {
  readonly path: string;
  readonly text: string;
  /** The text without comments and string contents, lines kept. */
  readonly code: string;
  readonly room: Room | undefined;
}

function sources(): Source[] {
  const found: Source[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (/\.(ts|mjs)$/.test(entry.name)) found.push(source(path));
    }
  };
  for (const folder of ["worker", "agent", "test"]) walk(folder);
  return found;
}

function source(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  return { path, text, code: codeOf(text), room: roomOf(path) };
}

function roomOf(path: string): Room | undefined {
  const matches = rooms.filter((room) => path.startsWith(room.endsWith("/") ? room : `${room}/`));
  return matches.sort((a, b) => b.length - a.length)[0];
}

function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/^(\s*)\/\/.*$/gm, "$1")
    .replace(/(["'])(?:\\.|(?!\1)[^\\\n])*\1/g, '""');
}

function importsOf({ path, text }: Source): string[] {
  const specifiers = [...text.matchAll(/^\s*(?:import|export)\b[^;]*?from\s+"(\.[^"]+)"/gm)];
  return specifiers.map(([, to = ""]) => normalize(join(dirname(path), to)));
}

const all = sources();
const isGenerated = ({ text }: Source): boolean => text.startsWith("// Generated");

test("every source file is in a room, and imports only from rooms it may", () => {
  const offences: string[] = [];
  for (const file of all) {
    if (file.path.startsWith("test/")) continue;
    if (file.room === undefined) offences.push(`${file.path} is in no room`);
    for (const target of importsOf(file)) {
      const room = roomOf(target);
      if (room === undefined || room === file.room || file.room === undefined) continue;
      if (!mayImport[file.room].includes(room)) offences.push(`${file.path} imports ${target}`);
    }
  }
  expect(offences).toEqual([]);
});

test("no import leads out of the repository or to a test", () => {
  const offences = all.flatMap((file) =>
    importsOf(file)
      .filter(
        (target) =>
          target.startsWith("..") || (target.startsWith("test/") && !file.path.startsWith("test/")),
      )
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(offences).toEqual([]);
});

test("pure rooms know no clock, no randomness, no waiting and no console", () => {
  const offences: string[] = [];
  for (const file of all) {
    const isPure = pureFiles.includes(file.path) || pureRooms.some((room) => room === file.room);
    if (!isPure || file.path.endsWith(".mjs")) continue;
    for (const [pattern, why] of impure) {
      if (pattern.test(file.code)) offences.push(`${file.path} uses ${why}`);
    }
  }
  expect(offences).toEqual([]);
});

test(`no file is longer than ${LINES_MAX} lines, no comment wider than 100 columns`, () => {
  const offences: string[] = [];
  for (const file of all) {
    if (isGenerated(file)) continue;
    const lines = file.text.split("\n");
    if (lines.length - 1 > LINES_MAX) offences.push(`${file.path} has ${lines.length - 1} lines`);
    lines.forEach((line, at) => {
      const isComment = /^\s*(?:\/\*\*|\*|\/\/) /.test(line) && !line.includes("http");
      const isData = file.path.startsWith("test/") && !isComment;
      const most = isComment ? COMMENT_COLUMNS_MAX : COLUMNS_MAX;
      if (line.length > most && !isData) {
        offences.push(`${file.path}:${at + 1} is ${line.length} wide`);
      }
    });
  }
  expect(offences).toEqual([]);
});

test("no test is skipped without saying why, and none is focused", () => {
  const offences = all
    .filter(({ path }) => path.startsWith("test/") && path !== "test/tidy.test.ts")
    .filter(({ code }) => /\b(?:test|it|describe)\.(?:only|skip|todo|fails)\b/.test(code))
    .map(({ path }) => path);
  expect(offences).toEqual([]);
});

test("nothing committed names a path of a developer's machine", () => {
  const offences = all
    .filter(({ path }) => path !== relative(root, fileURLToPath(import.meta.url)))
    .filter(({ text }) => /\/work\/(main|shared)|\/home\/|\/Users\//.test(text))
    .map(({ path }) => path);
  expect(offences).toEqual([]);
});

/**
 * Versions out of which a container can escape. An agent does not hand its machine to those.
 */

interface Escape {
  readonly id: string;
  readonly component: "Docker" | "runc";
  readonly isVulnerable: (version: Version) => boolean;
  readonly fixed: string;
  /** Packages of distributions that have the fix in an older version: how their versions begin. */
  readonly patched: readonly RegExp[];
}

interface Version {
  readonly numbers: readonly [number, number, number];
  /** Like 6 of "1.0.0-rc6"; infinite for what is no candidate. */
  readonly candidate: number;
}

const escapes: readonly Escape[] = [
  {
    id: "CVE-2019-5736",
    component: "Docker",
    // 18.06 got a release of its own.
    isVulnerable: ({ numbers }) =>
      isBefore(numbers, [18, 9, 2]) && !(numbers[0] === 18 && numbers[1] === 6 && numbers[2] >= 2),
    fixed: "18.09.2 (or 18.06.2)",
    patched: [],
  },
  {
    id: "CVE-2019-5736",
    component: "runc",
    isVulnerable: ({ numbers, candidate }) =>
      isBefore(numbers, [1, 0, 0]) || (is(numbers, [1, 0, 0]) && candidate < 7),
    fixed: "1.0-rc7",
    patched: [/^1\.0\.0[~-]rc6\+dfsg1-[2-9]/],
  },
  {
    id: "CVE-2024-21626",
    component: "runc",
    isVulnerable: ({ numbers }) => isBefore(numbers, [1, 1, 12]),
    fixed: "1.1.12",
    // Debian 12 and 11 (DSA-5615-1), Ubuntu 22.04 and 20.04 (USN-6619-1).
    patched: [
      /^1\.1\.5\+ds1-1\+deb12u[1-9]/,
      /^1\.0\.0[~-]rc93\+ds1-5\+deb11u[3-9]/,
      /^1\.1\.7-0ubuntu1~2[02]\.04\.[2-9]/,
    ],
  },
];

/** What lets a container escape, as one sentence; undefined: nothing known. */
export function knownEscape(versions: {
  readonly engine: string;
  readonly runc: string | undefined;
}): string | undefined {
  const given = { Docker: versions.engine, runc: versions.runc };
  for (const { id, component, isVulnerable, fixed, patched } of escapes) {
    const text = given[component];
    const version = text === undefined ? undefined : parse(text);
    if (text === undefined || version === undefined || !isVulnerable(version)) continue;
    if (patched.some((pattern) => pattern.test(text))) continue;
    return `${component} ${text} lets containers escape (${id}); upgrade it to ${fixed}`;
  }
  return undefined;
}

/** Undefined: it is no number, as of a build from a branch. */
function parse(text: string): Version | undefined {
  const found = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?:[~-]rc\.?(\d+))?/.exec(text);
  if (found === null) return undefined;
  const candidate = found[4] === undefined ? Number.POSITIVE_INFINITY : Number(found[4]);
  return { numbers: [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)], candidate };
}

function isBefore(one: Version["numbers"], other: Version["numbers"]): boolean {
  for (const [index, number] of one.entries()) {
    const against = other[index] ?? 0;
    if (number !== against) return number < against;
  }
  return false;
}

function is(one: Version["numbers"], other: Version["numbers"]): boolean {
  return one.every((number, index) => number === other[index]);
}

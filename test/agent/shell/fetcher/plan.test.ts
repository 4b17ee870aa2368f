import { expect, test } from "vitest";
import { type FetchPlan, planFetch } from "../../../../agent/shell/fetcher/plan.ts";
import type * as mesos from "../../../../worker/protocol/v1/mesos.ts";

function plan(value: string, more: Partial<mesos.CommandInfoURI> = {}): FetchPlan | string {
  const planned = planFetch({ value, ...more });
  return planned.ok ? planned.value : planned.error;
}

test.each([
  ["http://h/a/b.txt", ["b.txt"]],
  ["https://h:1/b", ["b"]],
  ["http://h/a.tgz?token=x", ["a.tgz?token=x"]],
  ["/a/b", ["b"]],
  ["file:///a/b", ["b"]],
  ["file://localhost/a/b", ["b"]],
])("%s gets its last name", (value, names) => {
  expect(plan(value)).toMatchObject({ names });
});

test.each([
  ["http://h", /no file name/],
  ["http://h/", /no file name/],
  ["http://h/a/..", /no file name/],
  ["a/b", /relative path/],
  ["file://other/a", /another host/],
  ["http://[/a", /not a URL/],
  ["/a\0b", /NUL/],
])("%s is refused", (value, why) => {
  expect(plan(value)).toMatch(why);
});

test("a relative path begins where the operator says", () => {
  const places = { frameworksHome: "/srv/f", hadoopHome: undefined };
  const planned = planFetch({ value: "a/b" }, places);
  expect(planned).toMatchObject({ value: { source: { kind: "FILE", path: "/srv/f/a/b" } } });
});

test("what the agent does not know is for curl and for Hadoop's client, by its last name", () => {
  const curl = { kind: "TOOL", tool: "curl", program: "curl" };
  expect(plan("ftp://h/d/a")).toMatchObject({
    names: ["a"],
    source: { ...curl, uri: "ftp://h/d/a" },
  });
  expect(plan("ftps://h/a")).toMatchObject({ source: curl });
  const hadoop = { kind: "TOOL", tool: "hadoop", program: "hadoop" };
  for (const uri of ["hdfs://h:1/a", "s3a://bucket/a", "hftp://h/a", "maprfs:///a"]) {
    expect(plan(uri)).toMatchObject({ names: ["a"], source: { ...hadoop, uri } });
  }
  const places = { frameworksHome: undefined, hadoopHome: "/opt/hadoop" };
  const planned = planFetch({ value: "hdfs://h/a.tgz", cache: true }, places);
  const source = { program: "/opt/hadoop/bin/hadoop" };
  expect(planned).toMatchObject({ value: { source, archive: "TAR", cached: false } });
});

test.each(["../x", "/x", "a/../../x", "", "."])("output_file '%s' is refused", (output_file) => {
  expect(plan("/a/b", { output_file })).toMatch(/not a path inside the sandbox/);
});

test("output_file may have folders, and decides what kind of archive it is", () => {
  const named = plan("http://h/a?x=1", { output_file: "in/there.tgz" });
  expect(named).toMatchObject({ names: ["in", "there.tgz"], archive: "TAR" });
});

test.each([
  ["a.tar", "TAR"],
  ["a.tar.gz", "TAR"],
  ["a.tgz", "TAR"],
  ["a.tbz2", "TAR"],
  ["a.tar.bz2", "TAR"],
  ["a.txz", "TAR"],
  ["a.tar.xz", "TAR"],
  ["a.zip", "ZIP"],
  ["a.gz", "GZIP"],
  ["a.jar", undefined],
  [".gz", undefined],
])(
  "%s is extracted as %s, but not when it is executable or when nobody wants it",
  (name, archive) => {
    expect(plan(`/x/${name}`)).toMatchObject({ archive });
    expect(plan(`/x/${name}`, { executable: true })).toMatchObject({ archive: undefined });
    expect(plan(`/x/${name}`, { extract: false })).toMatchObject({ archive: undefined });
  },
);

test("messages show no password", () => {
  expect(plan("https://me:secret@h/a")).toMatchObject({ uri: "https://me:...@h/a" });
});

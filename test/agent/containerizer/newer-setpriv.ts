/**
 * A setpriv(1) that loads filters of system calls, with its libraries, from Debian 13's packages:
 * Debian 12 has an older one. Nothing of the machine's own packages or lists is touched.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

// Of the checkout: a program that this file is bundled into may be anywhere.
const CACHE = join(process.cwd(), "node_modules/.cache/rimrock-trixie");
const PACKAGES = ["util-linux", "libcap-ng0", "libc6"];
const LIBRARIES = ["libc.so.6", "libcap-ng.so.0"];
const sourceAt = (mirror: string): string => `Types: deb
URIs: ${mirror}
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

/** Puts it into a folder, as `setpriv` and what that loads; `seenAt`: where it will be found. */
export function placeNewerSetpriv(folder: string, seenAt = folder): void {
  const packages = join(CACHE, "packages");
  if (!existsSync(packages)) download(packages);
  const libraries = readdirSync(join(packages, "usr/lib")).find((name) => name.endsWith("-gnu"));
  if (libraries === undefined) throw new Error(`${packages} has no libraries; remove it`);
  const from = join(packages, "usr/lib", libraries);
  const loader = readdirSync(from).find((name) => name.startsWith("ld-linux"));
  if (loader === undefined) throw new Error(`${from} has no dynamic loader; remove ${packages}`);
  mkdirSync(folder, { recursive: true });
  for (const name of [loader, ...LIBRARIES]) {
    cpSync(join(from, name), join(folder, name), { dereference: true });
  }
  cpSync(join(packages, "usr/bin/setpriv"), join(folder, "setpriv.bin"));
  const script = `#!/bin/sh\nexec ${seenAt}/${loader} --library-path ${seenAt} ${seenAt}/setpriv.bin "$@"\n`;
  writeFileSync(join(folder, "setpriv"), script);
  chmodSync(join(folder, "setpriv"), 0o755);
}

/** Whole or not at all: tests that run at the same time do the same. */
function download(packages: string): void {
  const work = join(CACHE, `work.${process.pid}`);
  for (const name of ["lists/partial", "archives/partial", "root"]) {
    mkdirSync(join(work, name), { recursive: true });
  }
  writeFileSync(join(work, "trixie.sources"), sourceAt(debianMirror()));
  const options = [
    `Dir::Etc::sourcelist=${work}/trixie.sources`,
    ...["Dir::Etc::sourceparts=-", `Dir::State::lists=${work}/lists`, `Dir::Cache=${work}`],
    ...["APT::Sandbox::User=root", "Debug::NoLocking=true"],
  ].flatMap((option) => ["-o", option]);
  const quietly = { cwd: work, stdio: "pipe" } as const;
  execFileSync("apt-get", [...options, "-qq", "update"], quietly);
  execFileSync("apt-get", [...options, "-q", "download", ...PACKAGES], quietly);
  for (const name of readdirSync(work).filter((file) => file.endsWith(".deb"))) {
    execFileSync("dpkg-deb", ["-x", join(work, name), join(work, "root")]);
  }
  if (!existsSync(packages)) renameSync(join(work, "root"), packages);
  rmSync(work, { recursive: true, force: true });
}

/** Where this machine has its packages of Debian from. */
function debianMirror(): string {
  const which = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"];
  const said = execFileSync("apt-get", [...which, "Origin: Debian"], { encoding: "utf8" });
  const mirror = said.split("\n").find((uri) => uri !== "" && !uri.includes("security"));
  if (mirror === undefined) throw new Error("apt knows no source of Debian's packages");
  return mirror;
}

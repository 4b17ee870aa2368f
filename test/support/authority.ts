/** A certificate authority that nobody knows but a test, and a certificate that it signed. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Authority {
  /** Path of the authority's own certificate, PEM. */
  readonly caFile: string;
  readonly ca: string;
  /** Of the server: PEM. */
  readonly key: string;
  readonly cert: string;
}

/** Makes them with openssl in `folder`; the server's is good for `hostname`. */
export function makeAuthority(folder: string, hostname: string): Authority {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "pipe" });
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    ...["req", "-x509", ...newKey, "-days", "2", "-subj", "/CN=test authority"],
    ...["-keyout", file("ca.key"), "-out", file("ca.pem")],
  );
  openssl(
    ...["req", "-new", ...newKey, "-subj", `/CN=${hostname}`],
    ...["-keyout", file("server.key"), "-out", file("server.csr")],
  );
  writeFileSync(file("names"), `subjectAltName=DNS:${hostname}\n`);
  openssl(
    ...["x509", "-req", "-in", file("server.csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key")],
    ...["-CAcreateserial", "-days", "2", "-extfile", file("names"), "-out", file("server.pem")],
  );
  const read = (name: string): string => readFileSync(file(name), "utf8");
  const caFile = file("ca.pem");
  return { caFile, ca: read("ca.pem"), key: read("server.key"), cert: read("server.pem") };
}

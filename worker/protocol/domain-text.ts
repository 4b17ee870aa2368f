/** Where a machine is, as people write it: "eu/eu-1", a region and a zone in it. */
import { err, ok, type Result } from "../std/result.ts";
import type * as mesos from "./v1/mesos.ts";

/** The error is the rest of a sentence that begins with the text. */
export function parseDomainText(text: string): Result<mesos.DomainInfo, string> {
  const [region = "", zone = "", ...more] = text.split("/").map((part) => part.trim());
  if (region === "" || zone === "" || more.length > 0) {
    return err("is not a region and a zone; write both, like 'eu/eu-1'");
  }
  return ok({ fault_domain: { region: { name: region }, zone: { name: zone } } });
}

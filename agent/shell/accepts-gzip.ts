/** `accept`: the Accept-Encoding header. A name with `q=0` is one that is not wanted. */
export function acceptsGzip(accept: string | readonly string[] | undefined): boolean {
  return String(accept ?? "")
    .split(",")
    .some((item) => {
      const [name = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
      const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
      return name === "gzip" && !refused;
    });
}

/** Mesos gzips plain bodies from here on. */
export const GZIP_LEAST_BYTES = 1_024;

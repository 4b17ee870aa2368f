import { double, integer, type JsonText, object } from "../../../protocol/wire/json-document.ts";

/**
 * `/system/stats.json`, from the metrics that the object takes of itself. How much memory it may
 * use and has left is not known to it.
 */
export function systemStats(metrics: Readonly<Record<string, number>>): string {
  const number = (name: string, write: (value: number) => JsonText): JsonText | undefined => {
    const value = metrics[`system/${name}`];
    return value === undefined ? undefined : write(value);
  };
  return object({
    avg_load_15min: number("load_15min", double),
    avg_load_1min: number("load_1min", double),
    avg_load_5min: number("load_5min", double),
    cpus_total: number("cpus_total", integer),
  });
}

/** GROW_VOLUME: a volume and disk of the same kind become a bigger volume. */
import { equals, normalize } from "../resources/algebra.ts";
import { withoutVolume } from "../resources/conversion.ts";
import { err, ok } from "../std/result.ts";
import { readNamed, thousandthsOf } from "./named-resources.ts";
import type { OperationModule } from "./operation.ts";
import { readResized, resized } from "./resized-volume.ts";

export const growVolume: OperationModule = {
  usableAtOnce: false,
  named: ({ grow_volume: part }) => part && [part.volume, part.addition],
  convert: ({ grow_volume: part }, facts) => {
    const volume = readResized(part?.volume, facts);
    if (!volume.ok) return volume;
    const addition = readNamed(part && [part.addition], facts);
    if (!addition.ok) {
      const isEmpty = addition.error.code === "RESOURCES_EMPTY";
      return isEmpty ? err({ code: "ADDITION_EMPTY" }) : addition;
    }
    const amount = addition.value.reduce((sum, entry) => sum + thousandthsOf(entry), 0);
    const wanted = resized(withoutVolume(volume.value), amount);
    if (!equals(normalize([wanted]), addition.value)) return err({ code: "ADDITION_DIFFERS" });
    const grown = resized(volume.value, thousandthsOf(volume.value) + amount);
    return ok({
      consumed: normalize([volume.value, ...addition.value]),
      converted: normalize([grown]),
    });
  },
};

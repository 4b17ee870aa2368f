/** SHRINK_VOLUME: a volume becomes a smaller one and plain reserved disk. */
import { normalize } from "../resources/algebra.ts";
import { withoutVolume } from "../resources/conversion.ts";
import { err, ok } from "../std/result.ts";
import { thousandthsOf } from "./named-resources.ts";
import type { OperationModule } from "./operation.ts";
import { readResized, resized } from "./resized-volume.ts";

export const shrinkVolume: OperationModule = {
  usableAtOnce: false,
  named: ({ shrink_volume: part }) => part && [part.volume],
  convert: ({ shrink_volume: part }, facts) => {
    const volume = readResized(part?.volume, facts);
    if (!volume.ok) return volume;
    const value = part?.subtract.value ?? 0;
    const size = thousandthsOf(volume.value);
    const freed = Math.round(value * 1_000);
    if (!(freed > 0 && freed < size)) {
      return err({ code: "SUBTRACT_OUT_OF_RANGE", value, size: size / 1_000 });
    }
    const smaller = resized(volume.value, size - freed);
    const disk = resized(withoutVolume(volume.value), freed);
    return ok({ consumed: [volume.value], converted: normalize([smaller, disk]) });
  },
};

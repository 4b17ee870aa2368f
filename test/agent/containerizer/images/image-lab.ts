/** The cgroups containerizer with images from a registry of the test's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  ContainerizerOptions,
  ContainerSpec,
  LaunchError,
} from "../../../../agent/containerizer/containerizer.ts";
import { ImagedContainerizer } from "../../../../agent/containerizer/images/imaged-containerizer.ts";
import type { ImageOptions } from "../../../../agent/containerizer/images/options.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import { Outward } from "../../../../agent/outward/outward.ts";
import { tarOf } from "../../../support/tar.ts";
import { inLab, type Lab, specOf } from "../harness.ts";

const COMMANDS = [
  ...["sh", "cat", "ls", "id", "env", "sleep", "stat", "readlink", "tty", "mount", "hostname"],
  ...["echo", "chroot", "mkdir", "mknod", "ps", "test", "wc", "head", "dd", "touch", "grep", "pwd"],
];

/** A layer with busybox and two accounts. */
export function busyboxLayer(): Buffer {
  return tarOf([
    { name: "./", type: "5" },
    { name: "bin/", type: "5" },
    { name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 },
    ...COMMANDS.map((name) => ({ name: `bin/${name}`, type: "2", link: "busybox" })),
    { name: "etc/", type: "5" },
    {
      name: "etc/passwd",
      content: "root:x:0:0::/:/bin/sh\napp:x:1234:1235::/:/bin/sh\nsly:x:0:0::/:/bin/sh\n",
    },
    { name: "etc/group", content: "app:x:1235:\nextra:x:1300:app\n" },
  ]);
}

export interface ImageLab extends Lab {
  readonly images: ImageOptions;
  readonly containerizer: ImagedContainerizer;
}

const outward = new Outward({ keepAlive: false });

export async function inImageLab(
  check: (lab: ImageLab) => Promise<void>,
  over: Partial<ImageOptions> = {},
  more: Partial<ContainerizerOptions> = {},
): Promise<void> {
  await inLab("cgroups", async ({ options, ...rest }) => {
    const lab = { ...rest, options: { ...options, ...more } };
    const images: ImageOptions = {
      ...{ storeDirectory: join(lab.directory, "images"), owner: lab.directory },
      source: { kind: "REGISTRY", url: undefined },
      ...{ dockerConfig: "{}", outward, stallMs: 5_000, ...over },
    };
    const containerizer = imaged(lab, images);
    assert.deepEqual(await containerizer.recover([]), { containers: [], orphans: [] });
    await check({ ...lab, images, containerizer });
  });
}

/** As the next agent process would have it. */
export function imaged({ options }: Pick<Lab, "options">, images: ImageOptions) {
  return new ImagedContainerizer(containerizers.cgroups.create(options), images);
}

/** Why a launch is refused; nothing of it stays. */
export async function refusedLaunch(
  lab: ImageLab,
  over: Partial<ContainerSpec>,
): Promise<LaunchError> {
  const launched = await lab.containerizer.launch(specOf(lab, "echo ran", over));
  assert.ok(!launched.ok);
  return launched.error;
}

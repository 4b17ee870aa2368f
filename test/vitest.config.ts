import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

// wrangler.toml names this folder, and refuses to do without it; the tests need nothing inside.
mkdirSync(fileURLToPath(new URL("../dist/public", import.meta.url)), { recursive: true });

// One project per kind of test, so that each can be run alone: --project fast|worker|agent|e2e.
export default defineConfig({
  test: {
    projects: [
      {
        // Pure: no process, no socket, no workerd.
        test: {
          name: "fast",
          environment: "node",
          // Nothing is timed: a busy machine may take its time.
          testTimeout: 30_000,
          include: [
            "test/{tidy,docs}.test.ts",
            "test/{core,fuzz,http,operation,relay,resources,scenarios,sdk,simulator,std,wire}/**/*.test.ts",
          ],
        },
      },
      {
        // Inside workerd.
        plugins: [
          cloudflareTest({ wrangler: { configPath: "./wrangler.toml" }, miniflare: { cf: false } }),
        ],
        test: { name: "worker", include: ["test/worker/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        // The agent's parts on this machine's kernel: processes, cgroups.
        test: {
          name: "agent",
          environment: "node",
          include: ["test/agent/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Whole processes and foreign clients.
        test: {
          name: "e2e",
          environment: "node",
          include: ["test/{e2e,compat}/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

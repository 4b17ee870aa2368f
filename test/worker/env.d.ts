declare namespace Cloudflare {
  interface Env extends WorkerEnv {}
  interface GlobalProps {
    mainModule: typeof import("../../worker/index.ts");
  }
}
type WorkerEnv = import("../../worker/env.ts").Env;

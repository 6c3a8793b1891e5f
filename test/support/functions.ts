import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startFunctionsHost } from "../../infra/local/functions-host/start.ts";

/**
 * Starts the functions host with a module of the test's own.
 *
 * @param source registers the functions; `ROOT` in it becomes the project's folder
 * @param targets names of the functions; each is told as `NAME` where the first one is
 */
export async function startFunctions(source: string, targets: [string, ...string[]]) {
  const root = join(import.meta.dirname, "../..");
  // Beside the project, so that it finds the framework.
  const directory = mkdtempSync(join(root, "node_modules", ".functions-"));
  const file = join(directory, "index.mjs");
  writeFileSync(file, source.replaceAll("ROOT", root));
  const logs: string[] = [];
  const host = await startFunctionsHost({
    source: file,
    functions: targets.map((target) => ({ target, port: 0 })),
    env: async (_target, urlOf) => ({ NAME: `at ${new URL(urlOf(targets[0])).hostname}` }),
    onLog: (target, line) => void logs.push(`${target}: ${line}`),
  });
  return {
    host,
    logs,
    async [Symbol.asyncDispose]() {
      await host.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

import { objectsOf } from "../../../infra/agent/attempt/objects.ts";
import { runAttempt } from "../../../infra/agent/runner.ts";
import type { Isolation } from "../../../infra/agent/sandbox/place.ts";
import type { RepositoryAccess } from "../../../infra/agent/workspace/checkout.ts";
import type { AgentSettings } from "../../../shared/agent/settings.ts";
import { sessionOf } from "../../../shared/attempt/result.ts";
import { systemClock } from "../../../shared/clock.ts";
import { pathsUnder } from "../../../shared/documents/attempt.ts";
import type { BuildManifest } from "../../../shared/documents/manifest.ts";
import type { Session } from "../../../shared/documents/session.ts";
import { KEY, startWorld } from "./runner-world.ts";

interface TurnOptions {
  settings?: AgentSettings;
  restore?: Session | null;
  repositories?: RepositoryAccess;
  isolation?: Isolation;
}

/** A world for several runners, one after the other, that have nothing in common but the storage. */
export async function startConversationWorld() {
  const world = await startWorld();
  let turns = 0;
  return {
    ...world,
    /** Runs a turn on what `restore` names, in folders of its own. */
    async turn(prompt: string, { restore = null, ...options }: TurnOptions = {}) {
      turns += 1;
      const runId = `run_${turns}`;
      const prefix = `attempts/${runId}/1-${"0".repeat(21)}${turns}/`;
      const log: string[] = [];
      const from = world.requests.length;
      const more = { runId, prefix, restore, ...(restore && { sessionId: restore.sessionId }) };
      await runAttempt({
        inputFolder: await world.writeInput(prompt, options.settings ?? {}, more),
        temporaryFolder: world.temporary,
        buildId: "build-1",
        apiKey: KEY,
        apiBaseUrl: world.model.url,
        environment: {},
        isolation: options.isolation ?? "bubblewrap",
        memoryBytes: 4 * 1024 ** 3,
        path: process.env["PATH"] ?? "",
        inherited: {},
        repositories: options.repositories ?? {},
        objectsIn: () => objectsOf(world.bucket),
        terminated: new AbortController().signal,
        clock: systemClock,
        log: (line) => void log.push(line),
      });
      const paths = pathsUnder(prefix);
      const manifest: BuildManifest = JSON.parse(await world.read(paths.manifest));
      return {
        manifest,
        log,
        session: sessionOf(manifest, world.bucket.name, restore),
        answer: manifest.facts.result?.result ?? "",
        requests: world.requests.slice(from),
        output: (name: string) => world.read(`${paths.outputs}${name}`),
      };
    },
  };
}

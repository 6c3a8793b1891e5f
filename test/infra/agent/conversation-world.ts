import { objectsOf, openStorage } from "../../../infra/agent/attempt/objects.ts";
import { readPrices } from "../../../infra/agent/model/prices.ts";
import type { RepositoryAccess } from "../../../infra/agent/repository/upstream.ts";
import { runAttempt } from "../../../infra/agent/runner.ts";
import type { Isolation } from "../../../infra/agent/sandbox/place.ts";
import type { AgentSettings } from "../../../shared/agent/settings.ts";
import { sessionOf } from "../../../shared/attempt/result.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import { type AttemptPaths, pathsUnder } from "../../../shared/documents/attempt.ts";
import type { GivenFile, SentTree } from "../../../shared/documents/files.ts";
import type { BuildManifest, Checkpoint } from "../../../shared/documents/manifest.ts";
import type { Session } from "../../../shared/documents/session.ts";
import { placedFiles } from "../../../shared/run/given-files.ts";
import { KEY, startWorld } from "./runner-world.ts";

interface TurnOptions {
  settings?: AgentSettings;
  restore?: Session | null;
  /** Makes it the second attempt of the run that left this. */
  resume?: Session | null;
  repositories?: RepositoryAccess;
  isolation?: Isolation;
  files?: readonly GivenFile[];
  tree?: SentTree;
  /** Whether what it changes is to be committed. */
  isDelivered?: true;
  deliveredFolders?: string[];
  /** What the turns before are put onto. */
  onto?: string;
  clock?: Clock;
}

async function checkpointsIn(
  { bucket, read }: Awaited<ReturnType<typeof startWorld>>,
  { checkpoints: prefix }: AttemptPaths,
): Promise<Checkpoint[]> {
  const [files] = await bucket.getFiles({ prefix, delimiter: "/" });
  const names = files.map(({ name }) => name).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await read(name)) as Checkpoint));
}

/**
 * A world for several runners, one after the other, that have nothing in common but the storage.
 */
export async function startConversationWorld(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  let turns = 0;
  return {
    ...world,
    /** Runs a turn on what `restore` names, in folders of its own. */
    async turn(prompt: string, { restore = null, resume = null, ...options }: TurnOptions = {}) {
      turns += 1;
      const runId = resume?.runId ?? `run_${turns}`;
      const attempt = resume ? 2 : 1;
      const prefix = `attempts/${runId}/${attempt}-${"0".repeat(21)}${turns}/`;
      const log: string[] = [];
      const from = world.requests.length;
      const sessionId = (resume ?? restore)?.sessionId ?? world.sessionId;
      const files = options.files && { files: placedFiles(options.files) };
      const tree = options.tree && { tree: options.tree };
      const { isDelivered, deliveredFolders = [] } = options;
      const delivered = isDelivered && { isDelivered, deliveredFolders };
      const onto = options.onto !== undefined && { onto: options.onto };
      const optional = { ...files, ...tree, ...delivered, ...onto };
      const more = { runId, attempt, prefix, restore, resume, sessionId, ...optional };
      await runAttempt({
        inputFolder: await world.writeInput(prompt, options.settings ?? {}, more),
        temporaryFolder: world.temporary,
        buildId: "build-1",
        apiKey: KEY,
        apiBaseUrl: world.model.url,
        prices: readPrices(undefined),
        environment: {},
        isolation: options.isolation ?? "bubblewrap",
        memoryBytes: 4 * 1024 ** 3,
        path: process.env["PATH"] ?? "",
        inherited: {},
        repositories: options.repositories ?? {},
        objectsIn: () =>
          objectsOf(openStorage({ apiEndpoint: world.storageUrl }).bucket(world.bucket.name)),
        terminated: new AbortController().signal,
        clock: options.clock ?? systemClock,
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
        /** The checkpoints that it stored, oldest first. */
        checkpoints: () => checkpointsIn(world, paths),
      };
    },
  };
}

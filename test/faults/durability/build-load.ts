import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { protos } from "@google-cloud/cloudbuild";
import { attempt, type Field, type Load, PROJECT, runLanes } from "./field.ts";

type Build = protos.google.devtools.cloudbuild.v1.IBuild;

const PARENT = `projects/${PROJECT}/locations/us-central1`;
/** How long it may take until one more of the builds that wait is over. */
const OVER_WITHIN_MS = 20_000;
/** How long after the last build is over the last message about it may come. */
const TOLD_WITHIN_MS = 10_000;
const ENDS = ["SUCCESS", "INTERNAL_ERROR"];
/** So that builds are not created faster than a small machine can run them. */
const PAUSE_MS = 200;

/** Builds: each created one ends, runs at most once, and says so on the topic. */
export function buildLoad(
  field: Field,
  { directory, statuses }: { directory: string; statuses: Map<string, Set<string>> },
): Load {
  const { builds } = field.clients;
  /** Build ids by the tag of the call that created them. */
  const acknowledged = new Map<string, string>();
  const tags: string[] = [];

  async function create(tag: string): Promise<void> {
    const seconds = (field.random() * 0.4).toFixed(2);
    const [operation] = await builds.createBuild({
      parent: PARENT,
      projectId: PROJECT,
      build: {
        steps: [{ name: "worker", args: ["$BUILD_ID", seconds] }],
        tags: [tag],
        logsBucket: "gs://bucket/logs",
        queueTtl: { seconds: 3600 },
        options: { logging: "GCS_ONLY" },
      },
    });
    acknowledged.set(tag, String((operation.metadata as unknown as { build: Build }).build.id));
  }

  async function allBuilds(): Promise<Build[]> {
    const [found] = await builds.listBuilds({ parent: PARENT, projectId: PROJECT });
    return found;
  }

  /** The builds when all are over and all messages have come, or when that takes too long. */
  async function whenOver(): Promise<Build[]> {
    const isOver = ({ status }: Build) => ENDS.includes(String(status));
    const isTold = ({ id, status }: Build) => statuses.get(`${id}`)?.has(String(status));
    const found = await waitFor(OVER_WITHIN_MS, isOver);
    return found.every(isTold) ? found : waitFor(TOLD_WITHIN_MS, isTold);
  }

  /**
   * Waits until every build is ready, for as long as every `withinMs` at least one more becomes so.
   */
  async function waitFor(
    withinMs: number,
    isReady: (build: Build) => boolean | undefined,
  ): Promise<Build[]> {
    let giveUpAt = Date.now() + withinMs;
    let fewest = Number.POSITIVE_INFINITY;
    for (;;) {
      const found = await allBuilds();
      const left = found.filter((build) => !isReady(build)).length;
      if (left < fewest) giveUpAt = Date.now() + withinMs;
      fewest = Math.min(fewest, left);
      if (left === 0 || Date.now() > giveUpAt) return found;
      await sleep(500);
    }
  }

  return {
    run: () =>
      runLanes(field, 2, async () => {
        const tag = `t${tags.length}`;
        tags.push(tag);
        await attempt(field, "builds", { work: () => create(tag) });
        await sleep(PAUSE_MS);
      }),
    async check() {
      const found = await whenOver();
      const say = (text: string) => void field.violations.push(`builds: ${text}`);
      checkCreated(found, acknowledged, say);
      const runs = countRuns(join(directory, "runs.txt"));
      for (const build of found) {
        checkEnd(
          build,
          { runs: runs.get(`${build.id}`) ?? 0, told: statuses.get(`${build.id}`) },
          say,
        );
        if (build.status === "SUCCESS") await checkLog(field, `${build.id}`, say);
      }
      const ids = new Set(found.map(({ id }) => id));
      for (const id of runs.keys()) if (!ids.has(id)) say(`${id} ran and is not there`);
    },
  };
}

function checkCreated(
  found: readonly Build[],
  acknowledged: ReadonlyMap<string, string>,
  say: (text: string) => void,
): void {
  const byTag = Map.groupBy(found, ({ tags }) => tags?.[0] ?? "");
  for (const [tag, builds] of byTag) {
    if (builds.length > 1) say(`one call made ${builds.length} builds (${tag})`);
  }
  for (const [tag, id] of acknowledged) {
    if (!byTag.get(tag)?.some((build) => build.id === id)) say(`${id} is lost`);
  }
}

function checkEnd(
  { id, status }: Build,
  { runs, told }: { runs: number; told: Set<string> | undefined },
  say: (text: string) => void,
): void {
  if (!ENDS.includes(String(status))) say(`${id} is still ${status}`);
  if (!told?.has(String(status))) say(`no message told that ${id} is ${status}`);
  if (runs > 1) say(`${id} ran ${runs} times`);
  if (status === "SUCCESS" && runs !== 1) say(`${id} succeeded without having run`);
}

async function checkLog(field: Field, id: string, say: (text: string) => void): Promise<void> {
  try {
    const file = field.clients.storage.bucket("bucket").file(`logs/log-${id}.txt`);
    const [log] = await file.download();
    if (!log.toString().endsWith("DONE\n")) say(`the log of ${id} is not whole`);
  } catch (error) {
    say(`the log of ${id} is lost: ${String(error)}`);
  }
}

function countRuns(file: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of readFileSync(file, "utf8").trim().split("\n")) {
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

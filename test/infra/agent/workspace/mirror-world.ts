import { join } from "node:path";
import { mirrorObjectsOf } from "../../../../infra/agent/attempt/mirror-objects.ts";
import { openStorage } from "../../../../infra/agent/attempt/objects.ts";
import type { Isolation } from "../../../../infra/agent/sandbox/place.ts";
import type { Mirrors } from "../../../../infra/agent/workspace/mirrors.ts";
import { startStorage } from "../../../../infra/emulators/storage/start.ts";
import { injectFaults } from "../../../../infra/emulators/wire/faults.ts";
import { LOCAL_ACCOUNTS, localGrants } from "../../../../infra/local/local-grants.ts";
import { LOCAL } from "../../../../infra/local/names.ts";
import { recordedCallers } from "../../../../infra/local/recorded-callers.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { mirrorObject, mirrorsPrefix } from "../../../../shared/documents/mirror.ts";
import { startWorld } from "./checkout-world.ts";

const OWNER = "ann@example.com";
const LEAST_BYTES = 100_000;

/** A workspace and a storage in which builds may what a deployment gives them. */
export async function startMirrorWorld(isolation: Isolation = "none") {
  const world = await startWorld(isolation);
  const wrong = { get: false };
  const callers = recordedCallers(LOCAL_ACCOUNTS, localGrants());
  const storage = await startStorage({
    directory: join(world.root, "storage"),
    buckets: [LOCAL.bucket],
    callers,
    faults: injectFaults([
      {
        method: "storage.objects.get",
        when: { matches: () => wrong.get },
        do: { type: "failBefore", status: "UNAVAILABLE" },
      },
    ]),
  });
  const apiEndpoint = storage.urlOf(LOCAL.buildCaller);
  const client = openStorage({ apiEndpoint, projectId: LOCAL.project });
  const bucket = openStorage({ apiEndpoint: storage.url }).bucket(LOCAL.bucket);
  const log: string[] = [];
  world.helper.log = (line) => void log.push(line);

  /** What an owner's attempt has of mirrors; `later` is what it does in the end. */
  const attemptOf = (owner = OWNER, mostBytes = 1024 ** 3) => {
    const works: (() => Promise<void>)[] = [];
    const mirrors: Mirrors = {
      objects: mirrorObjectsOf(client.bucket(LOCAL.bucket)),
      place: { prefix: mirrorsPrefix(owner), mostBytes },
      leastBytes: LEAST_BYTES,
      folder: world.root,
      clock: systemClock,
      terminated: world.terminated.signal,
      later: (work) => void works.push(work),
    };
    const end = async () => {
      for (const work of works.splice(0)) await work();
      await world.empty();
    };
    return { mirrors, end };
  };
  type Wanted = Parameters<typeof world.checkOutMirrored>[1] & {
    owner?: string;
    mostBytes?: number;
  };
  const objectOf = (url: string, owner = OWNER) =>
    bucket.file(mirrorObject({ prefix: mirrorsPrefix(owner), mostBytes: 1 }, url));
  return {
    ...world,
    wrong,
    log,
    attemptOf,
    /** A mirror's object, as whoever may everything sees it. */
    objectOf,
    /** Its generation; 0: there is none. */
    async generationOf(url: string, owner = OWNER): Promise<number> {
      const [exists] = await objectOf(url, owner).exists();
      return exists ? Number((await objectOf(url, owner).getMetadata())[0].generation) : 0;
    },
    /** Checks out in an attempt of its own, and looks at what is in the workspace before its end. */
    async attempt({ owner, mostBytes, ...wanted }: Wanted = {}) {
      const attempt = attemptOf(owner, mostBytes);
      const done = await world.checkOutMirrored(attempt.mirrors, wanted);
      const isDone = "commit" in done;
      const seen = {
        fetched: isDone ? done.fetched : undefined,
        error: isDone ? undefined : done.error,
        commit: isDone ? done.commit : undefined,
        objects: world.has(".git") ? objectsIn(world) : [],
        shallow: world.has(".git/shallow") ? world.read(".git/shallow") : "",
        status: isDone ? world.inside("git status --short; git fsck 2>&1") : "",
      };
      await attempt.end();
      return seen;
    },
    /** Permissions that builds were seen to need on mirrors. */
    needed: () =>
      callers
        .seen()
        .filter(({ account, resource }) => account === "build" && resource.includes("/mirrors/"))
        .map(({ permission }) => permission),
    async [Symbol.asyncDispose]() {
      await storage.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

export type MirrorWorld = Awaited<ReturnType<typeof startMirrorWorld>>;

/** The ids of all objects of the workspace's repository, reachable or not. */
const objectsIn = (world: { inside(command: string): string }): string[] =>
  world
    .inside("git cat-file --batch-all-objects --batch-check='%(objectname)'")
    .trim()
    .split("\n")
    .sort();

import { globSync, readFileSync } from "node:fs";
import { snapshotsUntil } from "../support/follow.ts";
import type { Observer } from "./observed.ts";
import { startWorld, type World } from "./world.ts";

/** What happens to a run, in order. Each is the end of what it names. */
export const STEPS = [
  ["delivered", "POST and Pub/Sub: until submit-build is pushed the message"],
  ["submitted", "submit-build: lease, request, input's upload, until CreateBuild"],
  ["working", "Cloud Build: queue, source, until the build works"],
  ["claimed", "runner: starts, until it has the claim"],
  ["started", "runner: folders, sandbox's probe, baseline, until the agent is started"],
  ["asked", "agent: starts, until its first request to the model"],
  ["answered", "agent: works, until its last request to the model"],
  ["ended", "agent: until it is seen to have ended"],
  ["manifest", "runner: patch and outputs' upload, until the manifest"],
  ["over", "runner and Cloud Build: end, until the terminal status message"],
  ["settled", "record-build-status: verification, until the terminal commit"],
  ["seen", "Firestore: until the listener's last snapshot"],
] as const;
export type Step = (typeof STEPS)[number][0];

/** Milliseconds since the POST was sent, of each step and of its 202. */
export type Timeline = Record<Step | "accepted", number>;

/** How often a build's log is looked at. */
const LOG_POLL_MS = 5;

/** When each step of the one run that there is at a time was reached. */
type Marks = Partial<Record<Step, number>>;

/** A world that times one run at a time. */
export async function startTimedWorld(
  cleanup: AsyncDisposableStack,
): Promise<{ world: World; time(prompt: string): Promise<Timeline> }> {
  let marks: Marks = {};
  const world = await startWorld(cleanup, (method, request) => note(marks, method, request));
  return {
    world,
    async time(prompt) {
      marks = {};
      const startedAt = performance.now();
      const id = await world.send(prompt);
      const accepted = performance.now() - startedAt;
      const watching = watchLog(world.directory, marks);
      try {
        const run = (await snapshotsUntil(world.firestore, id)).at(-1);
        if (run?.status !== "succeeded") throw new Error(`run ${id} ${run?.status}: ${run?.why}`);
      } finally {
        clearInterval(watching);
      }
      const times = { ...marks, seen: performance.now() };
      const since = Object.entries(times).map(([step, at]) => [step, at - startedAt]);
      return { accepted, ...Object.fromEntries(since) } as Timeline;
    },
  };
}

function note(times: Marks, method: string, request: Request): void {
  const step = STEP_OF[method]?.(request);
  if (step === undefined) return;
  // The model's last request counts, of everything else the first.
  if (step === "answered") {
    times.asked ??= performance.now();
    times.answered = performance.now();
  } else {
    times[step] ??= performance.now();
  }
}

type Request = Parameters<Observer>[1];

/** For each method, which step its call ends, if it does. */
const STEP_OF: Record<string, (request: Request) => Step | undefined> = {
  push: ({ subscription }) => (subscription?.endsWith("/run-requests") ? "delivered" : undefined),
  "google.devtools.cloudbuild.v1.CloudBuild/CreateBuild": () => "submitted",
  "cloud-builds": ({ attributes }) => BUILD_STEPS[attributes.status] ?? "over",
  "storage.objects.insert": ({ query }) => OBJECT_STEPS[query.name?.split("/").at(-1)],
  "google.firestore.v1.Firestore/Commit": ({ writes }) =>
    writes?.some(isTerminal) ? "settled" : undefined,
  model: ({ path }) => (path.startsWith("/v1/messages") ? "answered" : undefined),
};
/** QUEUED comes before CreateBuild has answered, so it tells nothing. */
const BUILD_STEPS: Record<string, Step> = { QUEUED: "submitted", WORKING: "working" };
const OBJECT_STEPS: Record<string, Step> = { claim: "claimed", "manifest.json": "manifest" };

/** Whether a write is of a run that is over. */
function isTerminal({
  update,
}: {
  update?: { fields?: Record<string, { booleanValue?: boolean }> };
}) {
  return update?.fields?.["done"]?.booleanValue === true;
}

/** The runner says in the build's log when its agent is started and when it has ended. */
function watchLog(directory: string, times: Marks): NodeJS.Timeout {
  const before = new Set(globSync(`${directory}/cloud-build/**/log.txt`));
  let file: string | undefined;
  return setInterval(() => {
    file ??= globSync(`${directory}/cloud-build/**/log.txt`).find((path) => !before.has(path));
    if (file === undefined || times.ended !== undefined) return;
    const text = readFileSync(file, "utf8");
    if (/starting \S+ \S+, isolation/.test(text)) times.started ??= performance.now();
    if (/the agent ended/.test(text)) times.ended ??= performance.now();
  }, LOG_POLL_MS);
}

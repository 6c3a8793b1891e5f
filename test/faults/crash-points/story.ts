import type { Run } from "../../../shared/documents/run.ts";
import { RETRY_LIMITS } from "../../../shared/limits.ts";
import { violationsAtRest } from "../world/at-rest.ts";
import { Callers } from "../world/callers.ts";
import { isLive } from "../world/cloud-build.ts";
import type { MessageFate } from "../world/delivery.ts";
import type { Plan, Point } from "../world/fate.ts";
import * as invariants from "../world/invariants.ts";
import { BUCKET } from "../world/options.ts";
import type { Violation } from "../world/witness.ts";
import { World } from "../world/world.ts";
import type { Setting } from "./dimensions.ts";

/** What became of a run in its setting. */
export interface Told {
  world: World;
  violations: Violation[];
}

const TASK = { seconds: 12, turns: 2 };
/**
 * Longer than anything takes that is ever done with: three attempts whose every message is lost.
 */
const LIMIT_MS = 10 * 3600 * 1000;

/** More than a story has attempts. */
const SLOTS = 8;

interface Telling {
  seed?: number;
  /** What befalls calls. Default: nothing. */
  plan?: Plan;
  isTraced?: boolean;
  /** Whether runs must also end as they would without crashes. Default: yes. */
  isStrict?: boolean;
}

/** Plays one run, and what befalls it, to its end. */
export async function tell(
  setting: Setting,
  { seed = 1, plan, isTraced = false, isStrict = true }: Telling = {},
): Promise<Told> {
  const isEarly = setting.status === "early";
  const world = new World({
    seed,
    isTraced,
    messageFate: (topic) => messageFate(setting, topic),
    weather: { queueSeconds: isEarly ? [0, 0] : QUEUE_SECONDS[setting.queue] },
    skewSeconds: () => SKEW_SECONDS[setting.clock],
    hearsReports: setting.report === "heard",
    slots: SLOTS,
    areSlotsMade: setting.slots === "made",
    ...(isEarly && { startSeconds: [0, 0] as const }),
    ...(plan && { plan }),
  });
  const callers = new Callers(world);
  callers.mustBeAnswered = true;
  const story = new Story(world, callers, setting);
  world.time.after(0, () => void story.begin());
  const isOver = () => story.isOver && callers.open === 0 && world.isAtRest();
  await world.time.run(isOver, LIMIT_MS);
  callers.holdRuns();
  if (isStrict) story.holdEnds();
  return { world, violations: violationsAtRest(world) };
}

const SKEW_SECONDS: Record<Setting["clock"], number> = { right: 0, ahead: 300, behind: -300 };

const QUEUE_SECONDS: Record<Setting["queue"], readonly [number, number]> = {
  soon: [1, 3],
  lease: [100, 140],
  long: [400, 500],
};

function messageFate({ status }: Setting, topic: string): MessageFate | undefined {
  if (topic !== "cloud-builds") return undefined;
  if (status === "lost" || status === "twice") return status;
  if (status === "late") return { lateSeconds: 180 };
  return undefined;
}

/** At which call of whom something is done, and the setting that asks for it. */
const STEPS: Partial<Record<string, Setting["cancel"]>> = {
  "submitBuild storage.insert input": "leased",
  "submitBuild builds.create": "creating",
  "runner storage.insert claim": "claimed",
  "runner storage.insert manifest": "uploading",
  "recordBuildStatus storage.insert claim": "settling",
};

/** How a run may end in its setting if nothing but our crashes stands in its way. */
function endsOf({ cancel, build }: Setting): string[] {
  const ends = cancel === "never" ? [] : ["cancelled"];
  if (build === "cancelled outside") return ["cancelled", "succeeded"];
  return [...ends, ...(build === "corrupts" ? ["failed"] : []), "succeeded"];
}

class Story {
  readonly #world: World;
  readonly #callers: Callers;
  readonly #setting: Setting;
  readonly #done = new Set<string>();
  #run: Run | undefined;
  isOver = false;

  constructor(world: World, callers: Callers, setting: Setting) {
    this.#world = world;
    this.#callers = callers;
    this.#setting = setting;
    world.onCall = (point) => this.#called(point);
    world.witness.onAgent = ({ buildId }) => this.#agentStarted(buildId);
  }

  async begin(): Promise<void> {
    this.#run = await this.#callers.post({ key: "first", task: TASK });
    if (this.#run !== undefined) {
      this.#reached("accepted");
      if (this.#setting.turn === "waiting") {
        const conversation = this.#run.conversation.id;
        const task = { seconds: 4, turns: 1 };
        const second = await this.#callers.post({ key: "second", task, conversation });
        // As one does who has found a dead letter: it is too early for this turn.
        if (second !== undefined) this.#world.redrive(second.id);
      }
    }
    if (this.#setting.afterwards === "deletes") await this.#delete();
    this.isOver = true;
  }

  /** Once it owes nothing any more: until then it may not be deleted. */
  async #delete(): Promise<void> {
    const { time, witness } = this.#world;
    const id = this.#run?.id ?? "";
    const isOwed = () => witness.unsettled.has(id) || this.#hasBuild(id);
    while (isOwed() && time.elapsedMs() < LIMIT_MS) await time.sleep(5000);
    await this.#callers.delete(id);
  }

  #hasBuild(id: string): boolean {
    const builds = [...this.#world.builds.builds.values()];
    return builds.some((build) => build.tags.includes(id) && isLive(build));
  }

  /** Holds each run to the end that it should have. */
  holdEnds(): void {
    const { witness, covered } = this.#world;
    // A storage that takes no result, however often it is asked, leaves nothing to succeed with.
    if ([...covered].some((one) => /^runner storage\.\w+ outputs: (fail|lost)/.test(one))) return;
    for (const record of witness.records.values()) {
      const isFirst = record.run.conversation.turn === 1;
      const expected = endsOf({ ...this.#setting, ...(!isFirst && { cancel: "never" }) });
      if (this.#hasLostAll()) expected.push("failed");
      witness.hold("workIsDone", record.run.id, invariants.workIsDone(record, expected));
    }
  }

  /** Whether each attempt that a run may have was one build that crashed, or that was lost. */
  #hasLostAll(): boolean {
    const { covered, fired } = this.#world;
    if ([...covered].some((one) => !one.startsWith("runner "))) return false;
    const ofBuilds = [...fired].filter(([name]) => !/^(cloud-builds|run-requests) /.test(name));
    const crashed = ofBuilds.reduce((sum, [, times]) => sum + times, 0);
    return crashed + (this.#done.has("lose") ? 1 : 0) >= RETRY_LIMITS.maxAttempts;
  }

  #called({ handler, kind, nth }: Point): void {
    const site = `${handler} ${kind}`;
    const step = STEPS[site];
    if (step !== undefined && nth === 1) this.#reached(step);
    if (site === "submitBuild builds.create") this.#later(1, () => this.#created());
    if (site === "runner storage.insert claim") this.#lose("lost early", 0.02);
    if (site === "runner storage.insert manifest") {
      this.#lose("lost late", 0.1);
      if (this.#setting.build === "corrupts") this.#once("corrupt", () => this.#corrupt());
    }
  }

  #created(): void {
    this.#reached("queued");
    this.#retry("queued");
  }

  #agentStarted(buildId: string): void {
    this.#later(5, () => this.#reached("working"));
    this.#later(3, () => this.#retry("working"));
    this.#lose("lost at work", 7);
    if (this.#setting.build === "cancelled outside") {
      this.#once("outside", () => this.#later(6, () => this.#world.endOutside(buildId)));
    }
    this.#later(60, () => this.#retry("over"));
  }

  /** Of what was uploaded so far one byte is another. */
  #corrupt(): void {
    const { objects } = this.#world;
    for (const [name, object] of objects.bucket(BUCKET)) {
      if (!name.endsWith("/outputs/result.json")) continue;
      object.bytes = Buffer.from(object.bytes);
      object.bytes[10] = (object.bytes[10] ?? 0) ^ 1;
    }
  }

  #reached(step: Setting["cancel"]): void {
    if (this.#setting.cancel !== step) return;
    this.#once("cancel", () =>
      this.#later(0.01, () => {
        const [id] = this.#world.witness.records.keys();
        if (id !== undefined) void this.#callers.cancel(id);
      }),
    );
  }

  #retry(step: Setting["retry"]): void {
    if (this.#setting.retry !== step) return;
    const [first] = this.#world.builds.builds.values();
    if (first !== undefined) this.#once("retry", () => void this.#world.builds.retry(first.name));
  }

  #lose(how: Setting["build"], seconds: number): void {
    if (this.#setting.build !== how) return;
    this.#once("lose", () => {
      const last = [...this.#world.builds.builds.keys()].at(-1);
      this.#later(seconds, () => last && this.#world.killBuild(last));
    });
  }

  #once(what: string, action: () => void): void {
    if (this.#done.has(what)) return;
    this.#done.add(what);
    action();
  }

  #later(seconds: number, action: () => void): void {
    this.#world.time.after(seconds * 1000, action);
  }
}

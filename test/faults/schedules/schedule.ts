import { seededRandom } from "../../../infra/emulators/wire/random.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { violationsAtRest } from "../world/at-rest.ts";
import { Callers } from "../world/callers.ts";
import { isLive, type ModelBuild } from "../world/cloud-build.ts";
import type { WorldOptions } from "../world/options.ts";
import type { Task } from "../world/runner.ts";
import type { Violation } from "../world/witness.ts";
import { World } from "../world/world.ts";
import { type Fault, faultsOf, hazardsOf } from "./hazards.ts";

/** Runs of one schedule, those that are turns of conversations included. */
const RUNS = 20;
/** In this time they are asked for, */
const ASKED_MS = 8 * 60_000;
/** … and until then something may go wrong. */
const FAULTY_MS = 30 * 60_000;
/** A world that is not at rest by then never is. */
const LIMIT_MS = 12 * 3600_000;

export interface Played {
  world: World;
  violations: Violation[];
  /** Every fault that befell somebody, in their order. */
  faults: Fault[];
  accepted: number;
  succeeded: number;
  /** From the last fault to rest. */
  recoveryMs: number;
  trace: string[];
}

/**
 * Plays a schedule: who asks for what, who cancels, deletes and retries, and what goes wrong, all
 * from the seed.
 *
 * @param options.faults in the place of what the seed has go wrong with calls
 */
export async function play(
  seed: number,
  options: {
    faults?: readonly Fault[];
    isTraced?: boolean;
    revisionOf?: WorldOptions["revisionOf"];
  } = {},
): Promise<Played> {
  const hazards = hazardsOf(seed);
  const fired: Fault[] = [];
  const plan = faultsOf(hazards, fired, options.faults);
  const world = new World({
    seed,
    plan,
    messageFate: (topic, data) => hazards.messageFate(topic, data),
    weather: hazards.weather,
    slots: hazards.slots,
    env: hazards.env,
    skewSeconds: hazards.skewSeconds,
    isSwept: (time) => hazards.isSwept(time.elapsedMs()),
    isTraced: options.isTraced ?? false,
    ...(options.revisionOf && { revisionOf: options.revisionOf }),
  });
  const callers = new Callers(world);
  const people = new People(world, callers, seed);
  people.begin();
  for (const [fromMs, toMs] of hazards.outages) outage(world, fromMs, toMs);
  world.time.after(FAULTY_MS, () => {
    world.isCalm = true;
  });
  let succeeded = 0;
  world.witness.onEnd = ({ run }) => {
    if (run.status === "succeeded") succeeded += 1;
  };
  const isOver = () => people.open === 0 && callers.open === 0 && world.isAtRest();
  await world.time.run(isOver, LIMIT_MS);
  callers.holdRuns();
  return {
    world,
    violations: violationsAtRest(world),
    faults: fired,
    accepted: callers.accepted,
    succeeded,
    recoveryMs: Math.max(0, world.time.elapsedMs() - world.lastFaultAtMs),
    trace: world.trace,
  };
}

function outage(world: World, fromMs: number, toMs: number): void {
  world.time.after(fromMs, () => {
    world.builds.isDown = true;
    world.noteFault("Cloud Build is down");
  });
  world.time.after(toMs, () => {
    world.builds.isDown = false;
  });
}

/** Those who ask for runs, and what they do with them. */
class People {
  readonly #world: World;
  readonly #callers: Callers;
  /**
   * Whether they retry builds that wait, and delete while a second build of a run may still begin.
   */
  readonly #random: () => number;
  readonly #runs: Run[] = [];
  /** What they still mean to do. */
  open = 0;

  constructor(world: World, callers: Callers, seed: number) {
    this.#world = world;
    this.#callers = callers;
    this.#random = seededRandom(seed ^ 0x5eed);
  }

  begin(): void {
    for (let nth = 0; nth < RUNS; nth += 1) {
      const owner = `owner-${Math.floor(this.#random() * 3)}`;
      const isTurn = this.#random() < 0.25;
      const wish = { key: `key-${nth}`, owner, task: this.#task(), isTurn };
      const acts = this.#acts();
      this.#at(this.#random() * ASKED_MS, () => this.#ask(wish, acts));
    }
    for (const text of POISON) this.#at(this.#random() * ASKED_MS, () => this.#poison(text));
  }

  /** Puts something on both topics that nobody can handle; nobody else shall wait for it. */
  async #poison(text: string): Promise<void> {
    const { deliveries } = this.#world;
    for (const delivery of Object.values(deliveries)) delivery.publish(Buffer.from(text));
    this.#world.noteFault("poison");
  }

  #task(): Task {
    const drawn = this.#random();
    const seconds = 4 + Math.floor(this.#random() ** 3 * 120);
    const turns = 1 + Math.floor(this.#random() * 3);
    if (drawn < 0.03) return { seconds, turns, outcome: "overloaded" };
    return drawn < 0.06 ? { seconds, turns, outcome: "failed" } : { seconds, turns };
  }

  /** What is done with a run, each after so many milliseconds. */
  #acts(): { act: Act; afterMs: number }[] {
    return (Object.entries(ACTS) as [Act, number][])
      .filter(([, probability]) => this.#random() < probability)
      .map(([act]) => ({ act, afterMs: this.#random() ** 2 * 150_000 }));
  }

  async #ask(
    { isTurn, ...wish }: { key: string; owner: string; task: Task; isTurn: boolean },
    acts: { act: Act; afterMs: number }[],
  ): Promise<void> {
    const before = this.#runs.filter(({ owner }) => owner === wish.owner).at(-1);
    const conversation = isTurn ? before?.conversation.id : undefined;
    const run = await this.#callers.post({ ...wish, ...(conversation && { conversation }) });
    if (run === undefined) return;
    this.#runs.push(run);
    for (const { act, afterMs } of acts) this.#at(afterMs, () => this.#act(act, run));
  }

  async #act(act: Act, { id, owner }: Run): Promise<void> {
    const { builds, witness } = this.#world;
    const own = this.#buildsOf(id);
    if (act === "cancel") await this.#callers.cancel(id, owner);
    if (act === "delete early") await this.#callers.delete(id, owner);
    if (act === "delete") {
      const isLeft = () => this.#buildsOf(id).some(isLive);
      const isOpen = () => witness.records.get(id)?.run.done === false || isLeft();
      while (isOpen()) await this.#world.time.sleep(20_000);
      await this.#callers.delete(id, owner);
    }
    if (act === "redrive") this.#world.redrive(id);
    const build = own.at(-1);
    if (build === undefined || this.#world.isCalm) return;
    if (act === "retry") builds.retry(build.name);
    if (act === "lose") this.#world.killBuild(build.id);
    if (act === "end outside" && isLive(build)) this.#world.endOutside(build.id);
    if (!OURS.includes(act)) this.#world.noteFault(act);
  }

  #buildsOf(id: string): ModelBuild[] {
    return [...this.#world.builds.builds.values()].filter(({ tags }) => tags.includes(id));
  }

  #at(afterMs: number, act: () => Promise<void>): void {
    this.open += 1;
    this.#world.time.after(afterMs, () => {
      void act().finally(() => {
        this.open -= 1;
      });
    });
  }
}

/** Messages of nobody. */
const POISON = ["{", "null", '{"runId":"run_1","attempt":"one"}'];

/** What may be done with a run, and how probable that is. */
const ACTS = {
  cancel: 0.12,
  delete: 0.1,
  "delete early": 0.03,
  retry: 0.06,
  lose: 0.06,
  "end outside": 0.02,
  redrive: 0.1,
} as const;
type Act = keyof typeof ACTS;
/** What callers may do at any time. */
const OURS: readonly Act[] = ["cancel", "delete", "delete early", "redrive"];

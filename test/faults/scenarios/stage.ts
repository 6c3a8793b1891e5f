import type { Run } from "../../../shared/documents/run.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { violationsAtRest } from "../world/at-rest.ts";
import { Callers } from "../world/callers.ts";
import type { Fate, Plan } from "../world/fate.ts";
import * as invariants from "../world/invariants.ts";
import type { WorldOptions } from "../world/options.ts";
import type { Task } from "../world/runner.ts";
import type { Violation } from "../world/witness.ts";
import { World } from "../world/world.ts";

const HOUR_MS = 3600_000;

/** A world in which one thing happens, told step by step. */
export class Stage {
  readonly world: World;
  readonly callers: Callers;
  #isTold = false;

  constructor(options: Partial<WorldOptions> = {}) {
    this.world = new World({ seed: 1, ...options });
    this.callers = new Callers(this.world);
  }

  /** Plays the story to its end, and lets the world come to rest; what does not hold then. */
  async play(story: () => Promise<void>, hours = 6): Promise<Violation[]> {
    this.world.time.after(0, () => {
      void story().finally(() => {
        this.#isTold = true;
      });
    });
    const isOver = () => this.#isTold && this.callers.open === 0 && this.world.isAtRest();
    await this.world.time.run(isOver, hours * HOUR_MS);
    return violationsAtRest(this.world);
  }

  seconds(count: number): Promise<void> {
    return this.world.time.sleep(count * 1000);
  }

  /** Resolves when something is so, looked at each second; after `seconds` in any case. */
  async until(isSo: () => boolean, seconds = 3600): Promise<void> {
    for (let passed = 0; passed < seconds && !isSo(); passed += 1) await this.seconds(1);
  }

  async post(key = "first", task: Task = { seconds: 12, turns: 2 }): Promise<Run> {
    const run = await this.callers.post({ key, task });
    if (run === undefined) throw new Error(`the request of ${key} was refused`);
    return run;
  }

  /** Holds every run to an invariant of its own record. */
  hold(name: keyof typeof invariants, wrong: (record: RunRecord) => string | undefined): void {
    const { witness } = this.world;
    for (const record of witness.records.values()) {
      witness.hold(name, record.run.id, wrong(record));
    }
  }

  /** Every run must have ended so. */
  holdEnds(...statuses: string[]): void {
    this.hold("workIsDone", (record) => invariants.workIsDone(record, statuses));
  }
}

/** The plan of one fate at the nth call of a site. */
export const at =
  (...crashes: [site: string, nth: number, fate: Fate][]): Plan =>
  ({ handler, kind, nth }) =>
    crashes.find(([site, number]) => site === `${handler} ${kind}` && number === nth)?.[2];

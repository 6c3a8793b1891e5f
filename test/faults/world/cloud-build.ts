import { parseFilter } from "../../../infra/emulators/cloud-build/filter.ts";
import { GoogleError } from "../../../infra/emulators/wire/status.ts";
import type { BuildPlan } from "../../../shared/attempt/build-plan.ts";
import type { BuildService, ShownBuild } from "../clients/cloud-build.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How Cloud Build fares in a world. */
export interface BuildWeather {
  /** Builds that work at a time; the others wait. */
  places: number;
  /** Creates in any minute; more are refused. */
  createsPerMinute: number;
  /** Between a build's creation and its beginning, at least, in seconds. */
  queueSeconds: readonly [least: number, most: number];
  /** For how long ListBuilds does not know a new build, in seconds. */
  listLagSeconds: number;
  /** For how long GetBuild does not know a new build, in seconds. */
  getLagSeconds: number;
}

export const FAIR_WEATHER: BuildWeather = {
  places: 100,
  createsPerMinute: 100_000,
  queueSeconds: [1, 5],
  listLagSeconds: 0,
  getLagSeconds: 0,
};

const OVER = ["SUCCESS", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"];

/** A build as Cloud Build has it. */
export interface ModelBuild extends ShownBuild {
  plan: BuildPlan;
  createdAtMs: number;
  /** Somebody else's, by the console: nobody has a slot for it. */
  isRetry: boolean;
  /** Ends what works in it, at once. */
  kill(): void;
}

export const isLive = ({ status }: ShownBuild): boolean => !OVER.includes(status);

/** What the model needs of its world. */
export interface BuildSurroundings {
  time: VirtualTime;
  /** Is told of each build that there is. */
  created(build: ModelBuild): void;
  /** Tells a build's status to `cloud-builds`. */
  publish(build: ShownBuild): void;
  /**
   * Lets a build's one step begin.
   *
   * @param ended to be called with what becomes of it, unless it is killed before
   * @returns kills it
   */
  begin(build: ModelBuild, ended: (status: string, detail?: string) => void): () => void;
  note(line: () => string): void;
}

/**
 * Cloud Build, as its documentation has it: QUEUED until there is a place or its `queueTtl` is
 * over, WORKING until its step ends, its `timeout` is over or somebody cancels it.
 */
export class CloudBuildModel implements BuildService {
  readonly builds = new Map<string, ModelBuild>();
  /** Builds that are not over. */
  live = 0;
  /** No call of the API is answered but with UNAVAILABLE. */
  isDown = false;
  /** GetBuild knows no build. */
  isBlind = false;
  readonly #world: BuildSurroundings;
  readonly #weather: BuildWeather;
  #creates: number[] = [];
  #working = 0;

  constructor(world: BuildSurroundings, weather: BuildWeather) {
    this.#world = world;
    this.#weather = weather;
  }

  create(parent: string, plan: BuildPlan): ShownBuild {
    this.#refuseDown();
    const nowMs = this.#world.time.nowMs();
    this.#creates = this.#creates.filter((atMs) => atMs > nowMs - 60_000);
    if (this.#creates.length >= this.#weather.createsPerMinute) {
      throw new GoogleError(
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for 'Create requests per minute'",
      );
    }
    this.#creates.push(nowMs);
    return this.#enqueue(parent, plan, false);
  }

  get(name: string): ShownBuild {
    this.#refuseDown();
    const build = this.#find(name);
    const isHidden = this.isBlind || this.#isHidden(build, this.#weather.getLagSeconds);
    if (isHidden) throw unknown(name);
    return shown(build);
  }

  list(parent: string, filter: string): ShownBuild[] {
    this.#refuseDown();
    const isWanted = parseFilter(filter);
    return [...this.builds.values()]
      .filter(({ name }) => name.startsWith(`${parent}/`))
      .filter(
        (build) => !this.#isHidden(build, this.#weather.listLagSeconds) && isWanted(build as never),
      )
      .reverse()
      .map(shown);
  }

  cancel(name: string): ShownBuild {
    this.#refuseDown();
    const build = this.#find(name);
    if (!isLive(build)) {
      const text = `cannot cancel build "${build.id}" in state "${build.status}"`;
      throw new GoogleError("FAILED_PRECONDITION", text);
    }
    this.end(build, "CANCELLED");
    return shown(build);
  }

  retry(name: string): ShownBuild {
    this.#refuseDown();
    const build = this.#find(name);
    return this.#enqueue(build.name.replace(/\/builds\/.*$/, ""), build.plan, true);
  }

  /** Ends a build, whatever works in it. */
  end(build: ModelBuild, status: string, detail?: string): void {
    if (!isLive(build)) return;
    if (build.status === "WORKING") this.#working -= 1;
    build.status = status;
    if (detail !== undefined) build.failureInfo = { detail };
    build.kill();
    this.live -= 1;
    this.#tell(build);
    this.#fill();
  }

  #enqueue(parent: string, plan: BuildPlan, isRetry: boolean): ShownBuild {
    const { time } = this.#world;
    const id = `b-${this.builds.size + 1}-${Math.floor(time.random() * 1e9).toString(36)}`;
    const build: ModelBuild = {
      id,
      name: `${parent}/builds/${id}`,
      status: "QUEUED",
      tags: plan.tags,
      plan,
      createdAtMs: time.nowMs(),
      isRetry,
      kill: () => {},
    };
    this.builds.set(id, build);
    this.live += 1;
    this.#world.created(build);
    this.#tell(build);
    time.after(Number(plan.queueTtl.seconds) * 1000, () => {
      if (build.status === "QUEUED") this.end(build, "EXPIRED");
    });
    time.after(time.between(...this.#weather.queueSeconds) * 1000, () => {
      this.#ready.push(build);
      this.#fill();
    });
    return shown(build);
  }

  readonly #ready: ModelBuild[] = [];

  #fill(): void {
    while (this.#working < this.#weather.places) {
      const build = this.#ready.shift();
      if (build === undefined) return;
      if (build.status === "QUEUED") this.#work(build);
    }
  }

  #work(build: ModelBuild): void {
    const { time, begin } = this.#world;
    this.#working += 1;
    build.status = "WORKING";
    this.#tell(build);
    build.kill = begin(build, (status, detail) => this.end(build, status, detail));
    time.after(Number(build.plan.timeout.seconds) * 1000, () => this.end(build, "TIMEOUT"));
  }

  #tell(build: ModelBuild): void {
    this.#world.note(() => `Cloud Build: ${build.id} is ${build.status}`);
    this.#world.publish(shown(build));
  }

  #find(name: string): ModelBuild {
    const build = this.builds.get(name.split("/").at(-1) ?? "");
    if (build === undefined || build.name !== name) throw unknown(name);
    return build;
  }

  #isHidden({ createdAtMs }: ModelBuild, lagSeconds: number): boolean {
    return this.#world.time.nowMs() < createdAtMs + lagSeconds * 1000;
  }

  #refuseDown(): void {
    if (this.isDown) throw new GoogleError("UNAVAILABLE", "the service is down");
  }
}

const unknown = (name: string): GoogleError =>
  new GoogleError("NOT_FOUND", `generic::not_found: build "${name}" not found`);

const shown = ({ id, name, status, failureInfo, tags, plan }: ModelBuild): ShownBuild => ({
  id,
  name,
  status,
  failureInfo,
  tags,
  source: plan.source,
});

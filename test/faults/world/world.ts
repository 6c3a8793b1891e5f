import type { Clients } from "../../../functions/cloud/open-services.ts";
import type { Topics } from "../../../functions/cloud/publisher.ts";
import type { Config } from "../../../functions/config.ts";
import type { Services } from "../../../functions/services/services.ts";
import type { AttemptInput } from "../../../shared/documents/attempt.ts";
import { TIMING } from "../../../shared/limits.ts";
import { memoryBuilds, type ShownBuild } from "../clients/cloud-build.ts";
import { memoryFirestore } from "../clients/firestore.ts";
import { MemoryDatabase } from "../clients/firestore-database.ts";
import { memoryTopic } from "../clients/pubsub.ts";
import { MemoryObjects, memoryStorage } from "../clients/storage.ts";
import { type ApiAnswer, type ApiRequest, answerApi } from "./api.ts";
import { CloudBuildModel, FAIR_WEATHER, type ModelBuild } from "./cloud-build.ts";
import { Delivery } from "./delivery.ts";
import { type Fate, nameOf, type Point } from "./fate.ts";
import { latencyMs } from "./latency.ts";
import {
  BUCKET,
  CATALOG,
  configOf,
  type EventTopicName,
  PROJECT,
  type TopicName,
  type WorldOptions,
} from "./options.ts";
import { Process } from "./process.ts";
import { type Opened, PRESENT, type Revision } from "./revision.ts";
import { runModel } from "./runner.ts";
import { answerOf, surroundingsOf } from "./surroundings.ts";
import { deployTarget, isTargetPaused } from "./target.ts";
import { VirtualTime } from "./virtual-time.ts";
import { Witness } from "./witness.ts";

/**
 * Everything that there is: the real handlers on the real stores and adapters, Google's services in
 * memory, and models of Cloud Build and of what runs in a build. All in one process and in virtual
 * time: the same seed and the same plan give the same world.
 */
export class World {
  readonly time: VirtualTime;
  readonly witness: Witness;
  readonly builds: CloudBuildModel;
  readonly objects = new MemoryObjects();
  readonly database: MemoryDatabase;
  readonly deliveries: Record<TopicName, Delivery>;
  /** How often each fate befell somebody. */
  readonly fired = new Map<string, number>();
  /** Of those, `submitBuild firestore.commit: die after`. */
  readonly covered = new Set<string>();
  readonly trace: string[] = [];
  /** Messages that a function would refuse each time. */
  readonly refused: Buffer[] = [];
  readonly #options: WorldOptions;
  readonly #configs = new Map<Revision, Config>();
  readonly #sites = new Map<string, { number: number; count: number }>();
  readonly #runners = new Map<string, Process>();
  #calls = 0;
  #processes = 0;
  /** Is told each call, before anything befalls it. */
  onCall: (point: Point) => void = () => {};
  /** Faults are over, whatever the plan says. */
  isCalm = false;
  lastFaultAtMs = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.time = new VirtualTime(options.seed, options.start);
    this.witness = new Witness(() => new Date(this.time.nowMs()));
    this.witness.holdsTold = options.revisionOf === undefined;
    this.database = new MemoryDatabase(this.time.nowMs);
    this.database.onCommit = (changes) => this.witness.committed(changes);
    const { slots = MANY_SLOTS, areSlotsMade = false, createsPerMinute } = options;
    deployTarget(this.database, { projectId: PROJECT, slots, areSlotsMade, createsPerMinute });
    this.witness.builds = () => [...this.builds.builds.values()];
    this.builds = new CloudBuildModel(
      {
        time: this.time,
        note: this.note,
        created: (build) => this.witness.buildCreated(build),
        publish: (build) => this.#publish("cloud-builds", build),
        begin: (build, ended) => this.#begin(build, ended),
      },
      { ...FAIR_WEATHER, ...options.weather },
    );
    this.deliveries = {
      "run-requests": this.#subscribe("run-requests", "submitBuild"),
      "cloud-builds": this.#subscribe("cloud-builds", "recordBuildStatus"),
    };
    const tick = () => {
      if (this.isCalm && !isTargetPaused(this.database, this.time.nowMs())) {
        this.witness.ticked(options.slots ?? MANY_SLOTS);
      }
      if (options.isSwept?.(this.time) ?? true) this.sweep();
      this.time.after(this.#untilTick(), tick);
    };
    this.time.after(this.time.between(0, TIMING.sweepInterval) * 1000, tick);
  }

  note = (line: () => string): void => {
    if (!this.#options.isTraced) return;
    this.trace.push(`${(this.time.elapsedMs() / 1000).toFixed(3).padStart(10)}s  ${line()}`);
  };

  /**
   * What befalls the next call, counted, and how long it is on its way: by its place, whatever was
   * before.
   */
  meet = (call: Pick<Point, "handler" | "kind">): { fate: Fate | undefined; latencyMs: number } => {
    const name = `${call.handler} ${call.kind}`;
    const site = this.#sites.get(name) ?? { number: this.#sites.size + 1, count: 0 };
    this.#sites.set(name, site);
    site.count += 1;
    const point = { ...call, nth: site.count, atMs: this.time.elapsedMs() };
    this.#calls += 1;
    this.onCall(point);
    const fate = this.isCalm ? undefined : this.#options.plan?.(point);
    if (fate !== undefined) this.#fires(name, fate);
    return { fate, latencyMs: latencyMs(this.#options.seed, site.number, site.count) };
  };

  #fires(site: string, fate: Fate): void {
    const name = nameOf(fate);
    this.noteFault(name);
    this.covered.add(`${site}: ${name}`);
  }

  /** Counts something that went wrong. */
  noteFault(name: string): void {
    this.fired.set(name, (this.fired.get(name) ?? 0) + 1);
    this.lastFaultAtMs = this.time.elapsedMs();
  }

  /** How many calls each handler has made of each kind: `submitBuild firestore.commit`. */
  get seen(): Map<string, number> {
    return new Map([...this.#sites].map(([name, { count }]) => [name, count]));
  }

  get calls(): number {
    return this.#calls;
  }

  /**
   * A process that serves one function, with the services that it opens.
   *
   * @param about the run that it is called for, if it is for one; for the trace
   */
  open(handler: string, about = ""): Opened {
    const { skewSeconds } = this.#options;
    const skewMs = (skewSeconds?.(this.time) ?? 0) * 1000;
    this.#processes += 1;
    const process = new Process(this, { handler, number: this.#processes, about, skewMs });
    const revision = this.#options.revisionOf?.(this.time) ?? PRESENT;
    const config = this.#configs.get(revision) ?? configOf(revision, this.#options.env);
    this.#configs.set(revision, config);
    const surroundings = surroundingsOf(this, process);
    const services = revision.servicesOn(this.#clients(process), config, surroundings);
    return { process, services: this.furnished(services, process), revision };
  }

  /** The services of a process, with what a world has in their place. */
  protected furnished(services: Services, _process: Process): Services {
    return services;
  }

  #clients(process: Process): Clients {
    const settings = { projectId: PROJECT, catalog: CATALOG };
    return {
      firestore: memoryFirestore(this.database, process, settings),
      storage: async () => memoryStorage(this.objects, process),
      builds: async () => memoryBuilds(this.builds, process),
      topics: {
        runRequests: this.#topic("run-requests", process),
        runEvents: this.#topic("run-events", process),
        runDeliveries: this.#topic("run-deliveries", process),
        webhookDeliveries: this.#topic("webhook-deliveries", process),
        triggerFires: this.#topic("trigger-fires", process),
        deadLetters: this.#topic("dead-letters", process),
      },
    };
  }

  #topic(name: string, process: Process): Topics["runRequests"] {
    return memoryTopic(name, process, (data, attributes) => {
      this.published(name, data, attributes);
      return "1";
    });
  }

  /** A function has published a message. What nobody here has subscribed to goes nowhere. */
  protected published(topic: string, data: Buffer, attributes: Record<string, string>): void {
    if (topic === "run-requests") this.deliveries["run-requests"].publish(data);
    if (topic === "run-events") this.witness.told(attributes);
    if (topic === "dead-letters") this.refused.push(data);
  }

  /** @returns undefined: whoever should have answered is gone, or took longer than anybody waits */
  call(asked: ApiRequest): Promise<ApiAnswer | undefined> {
    const { process, services, revision } = this.open(asked.operation, asked.id);
    return answerOf({ process, time: this.time, patienceMs: API_PATIENCE_MS }, (answered) => {
      void answerApi(services, revision, asked).then(answered);
    });
  }

  /** Runs whose build somebody has ended outside. */
  readonly endedOutside = new Set<string>();

  /** Somebody cancels a build in the console. */
  endOutside(id: string): void {
    const build = this.builds.builds.get(id);
    if (build === undefined) return;
    this.endedOutside.add(build.tags[1] ?? "");
    this.builds.end(build, "CANCELLED");
  }

  /** Builds whose runner was told to end, and does so by itself. */
  readonly #terminated = new Set<string>();

  /** {@link endOutside}, and the build is over only when its runner has put away what there is. */
  terminate(id: string): void {
    const [, runId = ""] = this.builds.builds.get(id)?.tags ?? [];
    this.endedOutside.add(runId);
    this.#terminated.add(id);
  }

  /** Somebody publishes a run's first attempt by hand. */
  redrive(runId: string): void {
    const message = JSON.stringify({ runId, attempt: 1 });
    this.deliveries["run-requests"].publish(Buffer.from(message));
  }

  /** The machine of a build is gone without a word. */
  killBuild(id: string): void {
    this.#runners.get(id)?.die();
  }

  sweep(): void {
    if (this.isAtRest()) return;
    const { process, services, revision } = this.open("sweep");
    process.onDeath = () => {};
    revision
      .sweep(services)
      .catch((error: unknown) => this.note(() => `  sweep failed: ${String(error)}`));
  }

  /**
   * A minute; up to five while nothing moves and nothing is due, so that long waits cost little.
   */
  #untilTick(): number {
    const minuteMs = TIMING.sweepInterval * 1000;
    if (this.builds.live > 0 || this.isDelivering()) return minuteMs;
    const { unsettled, held, records } = this.witness;
    const dueAt = [
      ...[...unsettled].map((id) => records.get(id)?.state.dueAt?.getTime() ?? 0),
      ...[...held.values()].map((slot) => slot.dueAt?.getTime() ?? 0),
    ];
    const untilDue = Math.min(...dueAt) - this.time.nowMs();
    return Math.min(Math.max(minuteMs, untilDue), 5 * minuteMs);
  }

  protected isDelivering(): boolean {
    return Object.values(this.deliveries).some(({ open }) => open > 0);
  }

  /** Whether nothing is left to be done, and nobody to do it. */
  isAtRest(): boolean {
    const { unsettled, held } = this.witness;
    return unsettled.size + held.size === 0 && this.builds.live === 0 && !this.isDelivering();
  }

  #subscribe(topic: TopicName, handler: "submitBuild" | "recordBuildStatus"): Delivery {
    return this.subscribe(topic, handler, ({ services, revision }, data) => {
      this.note(() => `${handler} is given ${data.toString()}`);
      const trigger = revision.pubsubTrigger(services, handler, revision[handler]);
      const message = { data: data.toString("base64"), messageId: "1" };
      return trigger({ data: { message } } as never);
    });
  }

  /** A push subscription, each delivery of which a process of its own handles. */
  protected subscribe(
    topic: TopicName | EventTopicName,
    handler: string,
    handle: (opened: Opened, data: Buffer) => Promise<void>,
  ): Delivery {
    const { messageFate } = this.#options;
    return new Delivery({
      time: this.time,
      note: this.note,
      fateOf: (data) => {
        const fate = this.isCalm ? undefined : messageFate?.(topic, data, this.time);
        if (fate === undefined) return undefined;
        this.noteFault(`${topic} ${typeof fate === "string" ? fate : "late"}`);
        return fate;
      },
      handle: (data) => {
        const [about] = /run_\w{22}/.exec(data.toString()) ?? [];
        const opened = this.open(handler, about);
        return { process: opened.process, done: handle(opened, data) };
      },
    });
  }

  #publish(topic: TopicName, message: ShownBuild): void {
    this.deliveries[topic].publish(Buffer.from(JSON.stringify(message)));
  }

  #begin(build: ModelBuild, ended: (status: string, detail?: string) => void): () => void {
    this.#processes += 1;
    const process = new Process(this, {
      handler: "runner",
      number: this.#processes,
      about: `${build.tags[1]} ${build.id}`,
    });
    this.#runners.set(build.id, process);
    const { bucket, object, generation } = build.plan.source.storageSource;
    process.onDeath = () => {
      this.witness.buildKilled(build.id);
      // Nobody notices at once that a machine is gone.
      this.time.after(this.time.between(1000, 30_000), () => ended("INTERNAL_ERROR"));
    };
    const [least, most] = this.#options.startSeconds ?? [1, 3];
    this.time.after(this.time.between(least, most) * 1000, () => {
      if (process.isDead) return;
      const source = this.objects.bucket(bucket).get(object);
      if (source === undefined || source.generation !== Number(generation)) {
        return ended("FAILURE", "the source is not there");
      }
      runModel({
        time: this.time,
        process,
        bucket: memoryStorage(this.objects, process).bucket(BUCKET),
        buildId: build.id,
        archive: source.bytes,
        report: (input, body) => this.#report(process, input, body),
        isTerminated: () => this.#terminated.has(build.id),
        agentStarts: (agent) => this.witness.agentStarts(agent),
        agentEnds: (agent) => this.witness.agentEnds(agent),
      }).then(
        () => ended(this.#terminated.has(build.id) ? "CANCELLED" : "SUCCESS"),
        () => ended("FAILURE", "step exited with non-zero status: 1"),
      );
    });
    return () => {
      process.onDeath = () => this.witness.buildKilled(build.id);
      process.die();
    };
  }

  #report(process: Process, input: AttemptInput, body: object): Promise<number | undefined> {
    const { runId: id, progress } = input;
    const headers = { authorization: `Bearer ${progress.token}` };
    const path = `/v1/runs/${id}/progress`;
    const asked = { operation: "reportProgress", id, path, headers, body } as const;
    return new Promise((resolve) => {
      if (process.isDead) return;
      if (this.#options.hearsReports === false) return resolve(undefined);
      void this.call(asked).then((answer) => process.deliver(() => resolve(answer?.status)));
    });
  }
}

const MANY_SLOTS = 40;

/** How long a caller of the API waits for an answer. */
const API_PATIENCE_MS = 60_000;

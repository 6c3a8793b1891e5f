import { attemptPaths } from "../../../shared/documents/attempt.ts";
import type { Claim } from "../../../shared/documents/manifest.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { direct } from "../clients/caller.ts";
import { memoryFirestore } from "../clients/firestore.ts";
import { isLive } from "../world/cloud-build.ts";
import type { Fate } from "../world/fate.ts";
import * as invariants from "../world/invariants.ts";
import { BUCKET, type WorldOptions } from "../world/options.ts";
import type { Violation } from "../world/witness.ts";
import type { World } from "../world/world.ts";
import { playLongLine } from "./long-line.ts";
import { at, Stage } from "./stage.ts";

const DIES: Fate = { type: "die", when: "after" };
const AWAY: Fate = { type: "fail", status: "UNAVAILABLE" };
/** What no client repeats by itself. */
const BUSY: Fate = { type: "fail", status: "ABORTED" };

/** Plays a story and gives what does not hold in it. */
export type Scenario = () => Promise<Violation[]>;

/** Stories that were found to matter, each under what it shows. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  async "a build that GetBuild does not know yet is not over"() {
    const stage = new Stage({ weather: { getLagSeconds: 30 } });
    const found = await stage.play(async () => void (await stage.post()));
    stage.hold("noSubmissionIsLost", invariants.noSubmissionIsLost);
    stage.hold("attemptsAreSpared", invariants.attemptsAreSpared);
    return found;
  },

  async "a build that GetBuild knows no more is not over while it works"() {
    const stage = new Stage();
    const { world } = stage;
    return stage.play(async () => {
      await stage.post();
      await stage.until(() => world.witness.live.length > 0);
      world.builds.isBlind = true;
      for (const { id, status, tags } of world.builds.builds.values()) {
        const message = Buffer.from(JSON.stringify({ id, status, tags }));
        world.deliveries["cloud-builds"].publish(message);
      }
      await stage.seconds(8);
      world.builds.isBlind = false;
    });
  },

  async "fifteen minutes without Cloud Build cost nobody a run"() {
    const stage = new Stage();
    const { builds } = stage.world;
    builds.isDown = true;
    const found = await stage.play(async () => {
      await stage.post();
      await stage.seconds(900);
      builds.isDown = false;
    });
    stage.holdEnds("succeeded");
    return found;
  },

  async "360 runs of five minutes on ten places all get theirs"() {
    const stage = new Stage({ weather: { places: 10 }, slots: 10 });
    const found = await stage.play(async () => {
      for (let nth = 0; nth < 360; nth += 1) {
        await stage.post(`key-${nth}`, { seconds: 300, turns: 1 });
      }
    });
    stage.holdEnds("succeeded");
    stage.hold("attemptsAreSpared", invariants.attemptsAreSpared);
    return found;
  },

  "ten thousand runs that wait in one line leave another's next run one slot away": playLongLine,

  async "five hundred runs that cannot be visited starve no other"() {
    const stage = new Stage({
      messageFate: lostBefore(30),
    });
    const { world } = stage;
    await poison(world, 520);
    let run: RunRecord | undefined;
    await stage.play(async () => {
      await stage.seconds(10);
      const { id } = await stage.post();
      await stage.seconds(600);
      run = world.witness.records.get(id);
    }, 1);
    // The others are as they are meant to be.
    const { violations } = world.witness;
    violations.length = 0;
    if (run?.run.done !== true && run?.state.phase === "pending") {
      world.witness.hold("everyRunIsOver", run.run.id, invariants.everyRunIsOver(run));
    }
    return violations;
  },

  async "a run that an earlier revision accepted, and nobody was told of, is found without a shard"() {
    const stage = new Stage({ messageFate: lostBefore(300) });
    const isOver = withoutShards(stage.world);
    const found = await stage.play(async () => {
      await stage.post();
      isOver();
    });
    stage.holdEnds("succeeded");
    return found;
  },

  async "an attempt that was sealed and had no agent is a lost submission"() {
    const stage = new Stage({
      plan: at(["submitBuild builds.create", 1, DIES], ["sweep storage.insert claim", 1, DIES]),
      // Its first messages are lost; the one of its end comes before the next sweep.
      messageFate: (topic, data) =>
        topic === "cloud-builds" && !data.includes("SUCCESS") ? "lost" : undefined,
      weather: { queueSeconds: [185, 190] },
    });
    const found = await stage.play(async () => void (await stage.post()));
    stage.holdEnds("succeeded");
    return found;
  },

  async "a lost acknowledgement of the lease costs no submission"() {
    const stage = new Stage({
      plan: at(["submitBuild firestore.commit", 1, { type: "lost", status: "UNAVAILABLE" }]),
    });
    const found = await stage.play(async () => void (await stage.post()));
    stage.hold("noSubmissionIsLost", invariants.noSubmissionIsLost);
    return found;
  },

  async "a late message of a deleted run does nothing to the next of the same key"() {
    const stage = new Stage({ weather: { queueSeconds: [60, 60] } });
    const { witness, builds, deliveries } = stage.world;
    const found = await stage.play(async () => {
      const { id } = await stage.post();
      await stage.until(() => witness.records.get(id)?.run.done === true);
      const [first] = builds.builds.values();
      await stage.callers.delete(id);
      await stage.post();
      await stage.until(() => builds.live > 0);
      const { status = "", tags = [] } = first ?? {};
      const message = Buffer.from(JSON.stringify({ id: first?.id, status, tags }));
      deliveries["cloud-builds"].publish(message);
    });
    stage.holdEnds("succeeded");
    return found;
  },

  async "a build that is late for a run that was deleted has no agent"() {
    // The operator's second build asks for the claim when the first has done all, and all is
    // erased.
    const stage = new Stage({
      plan: at(["runner storage.insert claim", 2, { type: "slow", seconds: 60 }]),
    });
    const { witness, builds } = stage.world;
    return stage.play(async () => {
      const { id } = await stage.post();
      await stage.until(() => witness.live.length > 0);
      const [own] = builds.builds.values();
      builds.retry(own?.name ?? "");
      await stage.until(() => witness.records.get(id)?.run.done === true);
      await stage.callers.delete(id);
    });
  },

  async "a run that succeeded names the build that has its claim"() {
    const stage = new Stage({
      plan: (point) => {
        if (point.handler === "reportProgress") return AWAY;
        return at(["submitBuild builds.create", 1, DIES])(point);
      },
      messageFate: (topic, data) =>
        topic === "cloud-builds" && !data.includes("SUCCESS") ? "lost" : undefined,
    });
    const found = await stage.play(async () => void (await stage.post()));
    stage.hold("buildIsTheClaimants", (record) =>
      invariants.buildIsTheClaimants(record, claimOf(stage.world, record)),
    );
    return found;
  },

  async "a sweep whose clock is five minutes ahead takes no lease out of a hand"() {
    const stage = new Stage({
      plan: at(["submitBuild builds.create", 1, { type: "slow", seconds: 14 }]),
      skewSeconds: () => 300,
    });
    const found = await stage.play(async () => {
      await stage.post();
      for (let tick = 0; tick < 10; tick += 1) {
        await stage.seconds(1);
        stage.world.sweep();
      }
    });
    stage.hold("noSubmissionIsLost", invariants.noSubmissionIsLost);
    return found;
  },

  async "an agent that was ended with its build is not begun again"() {
    const stage = new Stage();
    const { builds, witness } = stage.world;
    const found = await stage.play(async () => {
      await stage.post();
      await stage.until(() => witness.live.length > 0);
      await stage.seconds(3);
      for (const { id } of builds.builds.values()) stage.world.terminate(id);
    });
    stage.hold("whatWasEndedStaysEnded", invariants.whatWasEndedStaysEnded);
    return found;
  },

  async "the end of a second build decides nothing while the run's own waits"() {
    const stage = new Stage({ weather: { queueSeconds: [60, 60] } });
    const { builds } = stage.world;
    const found = await stage.play(async () => {
      await stage.post();
      await stage.until(() => builds.live > 0);
      await stage.seconds(5);
      const [own] = builds.builds.values();
      const { id } = builds.retry(own?.name ?? "");
      await stage.seconds(5);
      const second = builds.builds.get(id);
      if (second !== undefined && isLive(second)) builds.end(second, "CANCELLED");
    });
    stage.holdEnds("succeeded");
    return found;
  },

  async "an attempt that goes on from a checkpoint and keeps no session gives its own answer"() {
    let isSecond = false;
    const stage = new Stage({
      plan: ({ kind }) => (isSecond && kind === "storage.insert checkpoints" ? AWAY : undefined),
    });
    const { world } = stage;
    return stage.play(async () => {
      await stage.post("first", { seconds: 20, turns: 4, isUnkept: true });
      await stage.until(() => world.witness.live.length > 0);
      await stage.seconds(14);
      for (const id of world.builds.builds.keys()) world.killBuild(id);
      isSecond = true;
    });
  },

  async "a read of Firestore's that fails ends no process"() {
    const stage = new Stage({ plan: at(["recordBuildStatus firestore.get", 1, BUSY]) });
    const found = await stage.play(async () => void (await stage.post()));
    const { witness, time } = stage.world;
    witness.hold("noRejectionIsStray", "", invariants.noRejectionIsStray(time.strayRejections));
    return found;
  },
};

function claimOf({ objects }: World, { run, state }: RunRecord): Claim | undefined {
  const { claim } = attemptPaths(run.id, state.attempt, state.nonce);
  const object = objects.bucket(BUCKET).get(claim);
  return object && (JSON.parse(object.bytes.toString()) as Claim);
}

/** No run is heard of in the first seconds, but by a sweep. */
const lostBefore =
  (seconds: number): NonNullable<WorldOptions["messageFate"]> =>
  (topic, _data, time) =>
    topic === "run-requests" && time.elapsedMs() < seconds * 1000 ? "lost" : undefined;

/** Documents are written as a revision did that knew no shards, until that is called. */
function withoutShards({ database }: World): () => void {
  const { commit } = database;
  database.commit = (writes, within) => {
    for (const { update } of writes) delete update?.fields?.["shard"];
    return commit.call(database, writes, within);
  };
  return () => {
    database.commit = commit;
  };
}

/** Runs whose every visit fails: they are queued, and have no build. */
async function poison(world: World, count: number): Promise<void> {
  const firestore = memoryFirestore(world.database, direct, { projectId: "proof" });
  const dueAt = new Date(world.time.nowMs() - 60_000);
  for (let nth = 0; nth < count; nth += 1) {
    const id = `run_${String(nth).padStart(22, "0")}`;
    const batch = firestore.batch();
    const history = [{ status: "pending" }];
    batch.set(firestore.doc(`runs/${id}`), { id, status: "pending", done: false, history });
    const state = { version: 1, phase: "queued", attempt: 1, build: null, dueAt };
    batch.set(firestore.doc(`runState/${id}`), { ...state, failures: 0, lostSubmissions: 0 });
    await batch.commit();
  }
}

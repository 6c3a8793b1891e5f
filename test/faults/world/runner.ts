import { gunzipSync } from "node:zlib";
import type { Bucket } from "@google-cloud/storage";
import { takeClaim } from "../../../infra/agent/attempt/claim.ts";
import { putManifest, withinBounds } from "../../../infra/agent/attempt/manifest.ts";
import { type Objects, objectsOf } from "../../../infra/agent/attempt/objects.ts";
import { factsWithoutAgent } from "../../../infra/agent/engines/claude-code/facts.ts";
import { COMMIT_FILE } from "../../../shared/delivery/commit-file.ts";
import {
  type AttemptInput,
  checkpointObject,
  pathsUnder,
} from "../../../shared/documents/attempt.ts";
import type { AgentFacts, BuildManifest, Output } from "../../../shared/documents/manifest.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { Process } from "./process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What an agent does, said by the prompt's first line as JSON. */
export interface Task {
  /** For how long it works. */
  seconds: number;
  /**
   * Turns, spread evenly; each reports progress, and from the second on there is a checkpoint of
   * it.
   */
  turns: number;
  /** Whether its session is too large to be kept. Default: it is kept. */
  isUnkept?: boolean;
  /** Default: it does what it was told. */
  outcome?: "overloaded" | "failed";
  /** What it leaves to be committed. Default: nothing. */
  commit?: string;
}

/** An agent at work. */
export interface Agent {
  runId: string;
  attempt: number;
  buildId: string;
}

/** What a runner has around it. */
export interface RunnerSurroundings {
  time: VirtualTime;
  process: Process;
  bucket: Bucket;
  buildId: string;
  /** The build's source as Cloud Build has unpacked it: a gzipped tar. */
  archive: Buffer;
  /** @returns the answer's status; undefined: there was none */
  report(input: AttemptInput, body: object): Promise<number | undefined>;
  /** Whether its build is being ended from outside (SIGTERM). */
  isTerminated(): boolean;
  agentStarts(agent: Agent): void;
  agentEnds(agent: Agent): void;
}

/** The longest that a model of a runner goes without looking for the cancel marker. */
const MOST_POLL_MS = 20_000;
const EVENTS_OVER = [401, 403, 404, 409, 410];

/**
 * The runner's protocol with a model of an agent in it: claim, report, work while looking for the
 * cancel marker, outputs, manifest. What touches objects is the runner's own code.
 *
 * @throws as the runner does: the build's step fails then
 */
export async function runModel(world: RunnerSurroundings): Promise<void> {
  const { attempt: input, prompt } = filesOf(world.archive);
  const task = JSON.parse(prompt.split("\n", 1).join("")) as Task;
  const objects = objectsOf(world.bucket);
  const paths = pathsUnder(input.prefix);
  const { time, buildId } = world;
  const claimant = await takeClaim(objects, paths.claim, buildId);
  if (claimant !== undefined) return;
  const startedAt = new Date(time.nowMs()).toISOString();
  const head = { input, buildId, startedAt };
  const work = new Work(world, { input, objects, task, head });
  const facts = await work.agent();
  const files = {
    "result.json": JSON.stringify({ result: facts.result, facts }),
    ...sessionOf(work),
    ...(task.commit !== undefined && { [COMMIT_FILE]: task.commit }),
  };
  const { outputs, facts: known } = await uploaded(
    objects,
    { prefix: paths.outputs, files },
    facts,
  );
  const manifest = manifestOf(head, { facts: known, outputs, endedAt: work.now() });
  await putManifest(objects, paths.manifest, manifest);
  const { attempt } = input;
  await world.report(input, { attempt, buildId, text: "uploaded", turn: task.turns, done: true });
}

/** The session's file, as an agent leaves it that has worked. */
const sessionOf = ({ session }: Work): Record<string, string> =>
  session === undefined ? {} : { [session]: "{}\n" };

async function uploaded(
  objects: Objects,
  { prefix, files }: { prefix: string; files: Record<string, string> },
  facts: AgentFacts,
): Promise<{ outputs: Output[]; facts: AgentFacts }> {
  const outputs: Output[] = [];
  let { error } = facts;
  for (const [name, text] of Object.entries(files)) {
    const contentType = name.endsWith(".jsonl") ? "application/jsonl" : "application/json";
    try {
      const object = prefix + name;
      const sent = await objects.uploadContent(object, Buffer.from(text), contentType);
      outputs.push({ name, object, contentType, ...sent });
    } catch (thrown) {
      error ??= `Outputs are missing: ${name}: ${(thrown as Error).message}`;
    }
  }
  return { outputs, facts: { ...facts, error } };
}

interface Head {
  input: AttemptInput;
  buildId: string;
  startedAt: string;
}

/** An agent's work in one attempt. */
class Work {
  readonly #world: RunnerSurroundings;
  readonly #input: AttemptInput;
  readonly #objects: Objects;
  readonly #task: Task;
  readonly #head: Head;
  /** Name of the session's file; undefined: there is none. */
  session: string | undefined;
  /** Whether nothing of this attempt is taken any more. */
  #isRefused = false;
  #events = 0;

  constructor(
    world: RunnerSurroundings,
    of: { input: AttemptInput; objects: Objects; task: Task; head: Head },
  ) {
    this.#world = world;
    this.#input = of.input;
    this.#objects = of.objects;
    this.#task = of.task;
    this.#head = of.head;
  }

  now(): string {
    return new Date(this.#world.time.nowMs()).toISOString();
  }

  async agent(): Promise<AgentFacts> {
    const { time, buildId } = this.#world;
    void this.#report({ text: "", turn: 0 });
    const { cancel } = pathsUnder(this.#input.prefix);
    if (await this.#objects.exists(cancel)) return factsOf({ started: false, stoppedBy: "cancel" });
    const { runId, attempt } = this.#input;
    const agent = { runId, attempt, buildId };
    this.#world.agentStarts(agent);
    if (!this.#task.isUnkept) this.session = `session/${this.#input.sessionId}.jsonl`;
    const endsAtMs = time.nowMs() + this.#task.seconds * 1000;
    let turns = 0;
    while (time.nowMs() < endsAtMs) {
      await time.sleep(Math.min(this.#stepMs(), endsAtMs - time.nowMs()));
      await this.#resumed();
      if (this.#world.isTerminated()) {
        this.#world.agentEnds(agent);
        return factsOf({ started: true, stoppedBy: "terminated", turns });
      }
      const isCancelled = await this.#objects.exists(cancel).catch(() => false);
      if (isCancelled) {
        this.#world.agentEnds(agent);
        return factsOf({ started: true, stoppedBy: "cancel", turns });
      }
      const due = this.#task.turns * (1 - (endsAtMs - time.nowMs()) / (this.#task.seconds * 1000));
      if (turns < Math.floor(due)) {
        turns += 1;
        void this.#report({ text: `turn ${turns}`, turn: turns });
        if (turns > 1) await this.#checkpoint(turns - 1);
      }
    }
    this.#world.agentEnds(agent);
    return this.#facts(turns);
  }

  #stepMs(): number {
    const { seconds, turns } = this.#task;
    const step = (seconds * 1000) / Math.max(1, turns);
    return Math.min(
      Math.max(TIMING.cancelPoll * 1000, Math.min(step, seconds * 100)),
      MOST_POLL_MS,
    );
  }

  /** A process that stands still does not count turns. */
  #resumed(): Promise<void> {
    return new Promise((resolve) => this.#world.process.deliver(resolve));
  }

  #facts(turns: number): AgentFacts {
    const { outcome } = this.#task;
    if (outcome === "overloaded") {
      const said = { terminal_reason: "api_error", api_error_status: 529, result: "busy" };
      const result = { subtype: "success", is_error: true, ...said };
      return factsOf({ started: true, turns, result });
    }
    const isError = outcome === "failed";
    const subtype = isError ? "error_during_execution" : "success";
    return factsOf({
      started: true,
      turns,
      result: {
        subtype,
        is_error: isError,
        result: `Done by ${this.#head.buildId}.`,
        num_turns: turns,
      },
    });
  }

  async #report(body: { text: string; turn: number }): Promise<void> {
    if (this.#isRefused) return;
    const { attempt } = this.#input;
    const { buildId } = this.#world;
    this.#events += body.text === "" ? 0 : 1;
    const event = { number: this.#events, event: { type: "text", text: body.text } };
    const news = { attempt, buildId, ...body, ...(body.text !== "" && { events: [event] }) };
    const status = await this.#world.report(this.#input, news);
    if (status !== undefined && EVENTS_OVER.includes(status)) this.#isRefused = true;
  }

  /** One whose upload fails is left out: the next one has what it would have had. */
  async #checkpoint(number: number): Promise<void> {
    const paths = pathsUnder(this.#input.prefix);
    const name = `session/${this.#input.sessionId}.jsonl`;
    const object = `${paths.checkpoints}${number}/${name}`;
    const contentType = "application/jsonl";
    try {
      const content = Buffer.from(`{"turn":${number}}\n`);
      const sent = await this.#objects.uploadContent(object, content, contentType);
      const outputs = [{ name, object, contentType, ...sent }];
      const facts = factsOf({ started: true, turns: number, exitCode: null });
      const manifest = manifestOf(this.#head, { facts, outputs, endedAt: this.now() });
      await this.#objects.createOnce(
        checkpointObject(paths, number),
        withinBounds({ ...manifest, number } as BuildManifest),
      );
    } catch {
      // The next one may go better.
    }
  }
}

function factsOf(facts: Partial<AgentFacts> & Pick<AgentFacts, "started">): AgentFacts {
  const exitCode = facts.started ? 0 : null;
  return { ...factsWithoutAgent({}, false), exitCode, ...facts };
}

function manifestOf(
  { input, buildId, startedAt }: Head,
  end: { facts: AgentFacts; outputs: Output[]; endedAt: string },
): BuildManifest {
  const { sessionId: id, restore, resume = null } = input;
  const origin = (resume ?? restore) === null ? "new" : "restored";
  const session = { id, origin, remark: "", commit: null, instructionsHash: "" } as const;
  return {
    schemaVersion: 1,
    by: "build",
    runId: input.runId,
    attempt: input.attempt,
    buildId,
    agent: { name: "model", version: "1" },
    isolation: "bubblewrap",
    startedAt,
    ...end,
    session: end.facts.started ? session : null,
    changedFiles: [],
    moreChangedFiles: 0,
  };
}

const BLOCK = 512;

/** The input files in an archive: names and sizes stand in the header before each. */
function filesOf(archive: Buffer): { attempt: AttemptInput; prompt: string } {
  const tar = gunzipSync(archive);
  const files = new Map<string, string>();
  let at = 0;
  while (at + BLOCK <= tar.length && tar[at] !== 0) {
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 136), 8);
    files.set(name, tar.toString("utf8", at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return {
    attempt: JSON.parse(files.get("attempt.json") ?? "") as AttemptInput,
    prompt: files.get("prompt.txt") ?? "",
  };
}

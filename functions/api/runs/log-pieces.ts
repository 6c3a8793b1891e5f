import { logObject } from "../../../shared/attempt/build-plan.ts";
import { STREAMS } from "../../../shared/limits.ts";
import type { AttemptBuild, RunRecord } from "../../../shared/run/record.ts";
import { buildsOf } from "../../../shared/run/settle.ts";
import type { Services } from "../../services/services.ts";

const NEWLINE = 0x0a;
/** How often a log is read again when its object was replaced, or a download broke, meanwhile. */
const READS = 3;

type Sources = Pick<Services, "runs" | "objects" | "settings" | "timers">;

/**
 * The logs of a run's builds, oldest first, as far as they are written; each later one after a line
 * that says whose it is.
 */
export async function* logPieces(services: Sources, record: RunRecord): AsyncGenerator<Buffer> {
  yield* new LogReader(services).unread(record);
}

/**
 * {@link logPieces}, and what the builds go on to write, until the run is over or `signal` aborts.
 */
export async function* followedLogPieces(
  services: Sources,
  record: RunRecord,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const reader = new LogReader(services);
  let latest: RunRecord | undefined = record;
  while (latest !== undefined && !signal.aborted) {
    const wasOver = isOver(latest);
    yield* reader.unread(latest);
    if (wasOver) return;
    await pause(services.timers, signal);
    latest = await services.runs.getRecord(record.run.id);
  }
}

/** Over, and no build of it is still being ended. */
function isOver({ run, state }: RunRecord): boolean {
  return run.done && state.obligations.length === 0;
}

/**
 * Remembers how far each log has been read. Cloud Build replaces a log's object by a longer one.
 */
class LogReader {
  readonly #services: Sources;
  readonly #read = new Map<string, number>();
  #endsLine = true;

  constructor(services: Sources) {
    this.#services = services;
  }

  async *unread(record: RunRecord): AsyncGenerator<Buffer> {
    const builds = buildsOf(record);
    for (const build of builds) yield* this.#unreadOf(build);
  }

  async *#unreadOf(build: AttemptBuild): AsyncGenerator<Buffer> {
    for (let reads = 1; ; reads += 1) {
      try {
        yield* this.#unreadNow(build);
        return;
      } catch (error) {
        if (reads === READS) throw error;
      }
    }
  }

  async *#unreadNow(build: AttemptBuild): AsyncGenerator<Buffer> {
    const { objects, settings } = this.#services;
    const { bucket, name } = logObject(settings.logsBucket, build.id);
    const object = await objects.find(bucket, name);
    if (object === undefined) return;
    if (!this.#read.has(build.id)) {
      if (build.attempt > 1 || this.#read.size > 0) yield this.#separator(build);
      this.#read.set(build.id, 0);
    }
    const start = this.#read.get(build.id) ?? 0;
    for await (const piece of objects.read(object, { start, end: object.sizeBytes - 1 })) {
      this.#read.set(build.id, (this.#read.get(build.id) ?? 0) + piece.length);
      this.#endsLine = piece.at(-1) === NEWLINE;
      yield piece;
    }
  }

  #separator({ attempt, id }: AttemptBuild): Buffer {
    const newline = this.#endsLine ? "" : "\n";
    return Buffer.from(`${newline}--- attempt ${attempt}, build ${id} ---\n`);
  }
}

/** Until the log is worth another look, or `signal` aborts. */
function pause(timers: Services["timers"], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = timers.after(STREAMS.logPollSeconds * 1000, end);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}

import type { Clock } from "../../../shared/clock.ts";
import { TIMING } from "../../../shared/limits.ts";
import { messageOf } from "../text.ts";
import type { Objects } from "./objects.ts";

/** Who waits for a storage. */
interface Waiting {
  clock: Clock;
  /** Nobody wants the answer any more; failures count as no. Default: somebody always does. */
  isOver?(): Promise<boolean>;
  log(line: string): void;
}

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8_000;
/**
 * Repetitions of a call that takes longer than the time for all, as the upload of a large file may.
 */
const LEAST_TRIES = 3;
/** How long one content may be on its way, in seconds: as long as all that an attempt uploads. */
const CONTENT_SECONDS = TIMING.buildUpload;

/** The storage did not answer for as long as it is waited for; it may another time. */
export class StorageAway extends Error {}

/**
 * Objects whose every call is made again after a failure that may pass: 408, 429, a server's error,
 * a connection or a network that breaks, an answer that does not come. The pauses grow and are
 * random. What still fails a while after the first failure, `TIMING.storagePatience`, fails as
 * {@link StorageAway}.
 *
 * What is created has its name once, so that a call whose answer was lost does no harm by being
 * repeated.
 */
export function patientObjects(objects: Objects, waiting: Waiting): Objects {
  const again =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>, seconds: number) =>
    (...args: A): Promise<R> =>
      tryAgain(() => answered(call(...args), seconds, waiting.clock), waiting);
  return {
    createOnce: again(objects.createOnce, TIMING.callDeadline),
    exists: again(objects.exists, TIMING.callDeadline),
    read: again(objects.read, CONTENT_SECONDS),
    find: again(objects.find, CONTENT_SECONDS),
    upload: again(objects.upload, CONTENT_SECONDS),
    uploadContent: again(objects.uploadContent, CONTENT_SECONDS),
  };
}

/** The answer, if it comes in time; what becomes of the call is not known then. */
async function answered<R>(called: Promise<R>, seconds: number, clock: Clock): Promise<R> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const error = Object.assign(new Error(`no answer in ${seconds} s`), { code: "ETIMEDOUT" });
  const stop = clock.after(seconds * 1000, () => reject(error));
  try {
    return await Promise.race([called, late]);
  } finally {
    stop();
  }
}

async function tryAgain<R>(
  call: () => Promise<R>,
  { clock, isOver = async () => false, log }: Waiting,
): Promise<R> {
  let until: number | undefined;
  for (let tries = 0; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      until ??= clock.now() + TIMING.storagePatience * 1000;
      const isPast = clock.now() >= until && tries >= LEAST_TRIES;
      if (isPast || !mayPass(error)) throw givenUp(error);
      if (tries === 0) log(`the storage is asked again: ${messageOf(error)}`);
      const pauseMs =
        Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random() / 2);
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      if (await isOver().catch(() => false)) throw error;
    }
  }
}

/** What a call that is not made again fails with. */
function givenUp(error: unknown): unknown {
  if (!mayPass(error)) return error;
  const message = `The storage did not answer for ${TIMING.storagePatience} s`;
  return new StorageAway(`${message}: ${messageOf(error)}`, { cause: error });
}

/** As Node and Google's client name what becomes of connections and downloads. */
const PASSING = [
  "CONTENT_DOWNLOAD_MISMATCH",
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ETIMEDOUT",
];
const TEMPORARY = [408, 429];
const BROKEN = /socket hang up|socket connection timeout|connection (reset|clos)/i;

function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  const { code = (cause as { code?: unknown } | undefined)?.code } = error as { code?: unknown };
  if (typeof code === "number") return code >= 500 || TEMPORARY.includes(code);
  if (typeof code === "string" && PASSING.includes(code)) return true;
  return BROKEN.test(error.message);
}

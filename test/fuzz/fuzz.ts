import fc from "fast-check";
import { changedDocuments, documentsOf } from "./documents.ts";
import { Invariants } from "./invariants.ts";
import { rawBytes } from "./raw-requests.ts";
import { type HostileRequest, hostileRequest } from "./requests.ts";
import { sendPipelined, sendRaw } from "./wire.ts";
import { type FuzzWorld, startFuzzWorld } from "./world.ts";

export interface Figures {
  requests: number;
  /**
   * How many were answered with which status; 0: the connection was ended, as of what is not HTTP.
   */
  statuses: Record<number, number>;
  seconds: number;
  /** Resident memory of the API's process after the first fifth of the requests, and at the end. */
  warmBytes: number;
  endBytes: number;
  /** Documents that accepted requests have written. */
  written: number;
}

/** Connections at a time, requests on each, and connections with bytes that need not be HTTP. */
const CONNECTIONS = 8;
const PIPELINED = 24;
const RAW = 8;
const BATCH = CONNECTIONS * PIPELINED + RAW;

/** Share of the requests after which the API's memory should have its size. */
const WARM_SHARE = 0.2;

/** Statuses that even a few thousand requests are answered with. */
const REACHED = [200, 202, 400, 401, 403, 404, 405, 411, 415, 422];

/**
 * What the API's process may grow by once it is warm: what its garbage collector leaves for later.
 */
const GROWTH_BYTES = 64 * 1024 * 1024;

/** What is sent at once. */
interface Batch {
  requests: HostileRequest[];
  raw: Buffer[];
}

/**
 * Sends hostile requests to the API and holds every answer, its documents, its log and its memory
 * to what must stay true.
 *
 * @param options.requests rounded up to whole batches of 200
 * @param options.seed the same one sends the same requests
 * @throws {Error} with the request that broke something, or what of the figures is wrong
 */
export async function fuzz(options: { requests: number; seed: number }): Promise<Figures> {
  await using world = await startFuzzWorld();
  const invariants = new Invariants();
  const before = await documentsOf(world.firestore);
  const pid = world.pid();
  const batches = Math.ceil(options.requests / BATCH);
  let done = 0;
  let warmBytes = 0;
  const startMs = Date.now();
  const property = fc.asyncProperty(batchOf(world), async (batch) => {
    await send(world, invariants, batch);
    done += 1;
    if (done === Math.ceil(batches * WARM_SHARE)) warmBytes = world.residentBytes();
  });
  // Not made smaller: the error names the one request of the batch that it is about.
  const run = { numRuns: batches, seed: options.seed, endOnFailure: true };
  const { errorInstance } = await fc.check(property, run);
  if (errorInstance !== null) throw errorInstance;
  const seconds = (Date.now() - startMs) / 1000;
  if (world.pid() !== pid) throw new Error("the API's process has ended and was started again");
  if (world.errors.length > 0) throw new Error(`it logged ${world.errors.slice(0, 3).join("\n")}`);
  const changed = changedDocuments(before, await documentsOf(world.firestore));
  invariants.holdDocuments(changed);
  const figures = {
    requests: done * BATCH,
    statuses: Object.fromEntries([...invariants.statuses].sort(([a], [b]) => a - b)),
    seconds,
    warmBytes,
    endBytes: world.residentBytes(),
    written: changed.length,
  };
  holdFigures(figures);
  return figures;
}

/**
 * A run that reached too little proves nothing, and one after which the API is larger has found a
 * leak.
 */
function holdFigures({ statuses, warmBytes, endBytes, written }: Figures): void {
  const missing = REACHED.filter((status) => statuses[status] === undefined);
  if (missing.length > 0) throw new Error(`no request was answered ${missing.join(", ")}`);
  if (written === 0) throw new Error("no request was accepted");
  const grownBytes = endBytes - warmBytes;
  if (grownBytes > GROWTH_BYTES) throw new Error(`the API's process grew by ${grownBytes} bytes`);
}

function batchOf({ known }: FuzzWorld): fc.Arbitrary<Batch> {
  const exactly = (length: number) => ({ minLength: length, maxLength: length });
  return fc.record({
    requests: fc.array(hostileRequest(known), exactly(CONNECTIONS * PIPELINED)),
    raw: fc.array(rawBytes, exactly(RAW)),
  });
}

async function send(
  { port }: FuzzWorld,
  invariants: Invariants,
  { requests, raw }: Batch,
): Promise<void> {
  const lanes = Array.from({ length: CONNECTIONS }, (_, lane) =>
    requests.slice(lane * PIPELINED, (lane + 1) * PIPELINED),
  );
  const pipelined = lanes.map(async (lane) => {
    const answers = await sendPipelined(port, lane);
    for (const [i, request] of lane.entries()) invariants.holdAnswer(request, answers[i]);
  });
  const rest = raw.map(async (bytes) => invariants.holdRaw(bytes, await sendRaw(port, bytes)));
  await Promise.all([...pipelined, ...rest]);
}

import type { GoogleStatus } from "./status.ts";

/** Before anything of the request has happened, or when all of it is done and durable. */
type FaultMoment = "before" | "after";

/**
 * What goes wrong.
 *
 * - `failBefore`: nothing happens, and the caller gets `status`.
 * - `failAfter`: it happens, durably, and the caller gets `status`: a lost acknowledgement. A
 *   refusal of the request itself passes through. On an RPC with a stream of requests: after its
 *   first reply.
 * - `delay`: `ms` pass on the clock before it happens, or (`at: "after"`) before the answer goes
 *   out.
 * - `duplicate`: it happens twice. The caller sees the first answer.
 * - `reorder`: the message is held until the next one at this place has gone out, at most
 *   `withinMs` (default 1,000). It has fired when it was overtaken.
 * - `drop`: it does not happen, and nobody is told: an RPC or request gets no answer, a push is not
 *   sent (its deadline passes), a build's message is lost for good.
 * - `cut`: the connection breaks without an answer.
 * - `kill`: SIGKILL for the process that hosts the stand-in.
 *
 * `at` is "before" unless it is given.
 */
export type FaultAction =
  | { type: "failBefore"; status: GoogleStatus; message?: string }
  | { type: "failAfter"; status: GoogleStatus; message?: string }
  | { type: "delay"; ms: number; at?: FaultMoment }
  | { type: "duplicate" }
  | { type: "reorder"; withinMs?: number }
  | { type: "drop" }
  | { type: "cut"; at?: FaultMoment }
  | { type: "kill"; at?: FaultMoment };

/**
 * What a predicate is given: of an RPC the decoded request; of a request to Cloud Storage the
 * `StorageRequest`; of a push `{ endpoint, subscription, message }`; of a build's message
 * `{ projectId, data, attributes }`.
 */
// biome-ignore lint/suspicious/noExplicitAny: each place gives its own request type
type RequestPredicate = (request: any) => boolean;

/**
 * When it goes wrong: `count` times, once `after` (default 0) calls have gone by; or at each call
 * with a probability in (0, 1]; or at each call. Calls that `matches` refuses do not count at all.
 */
export type FaultTrigger =
  | { count: number; after?: number; matches?: RequestPredicate }
  | { probability: number; matches?: RequestPredicate }
  | { matches: RequestPredicate };

/** One thing that goes wrong at one place. */
export interface Fault {
  /**
   * The place: an RPC (`google.firestore.v1.Firestore/Commit`), a method of Cloud Storage
   * (`storage.objects.insert`, whichever way the object comes), `push` (a Pub/Sub push delivery) or
   * `cloud-builds` (the message about a build's status).
   */
  method: string;
  when: FaultTrigger;
  do: FaultAction;
}

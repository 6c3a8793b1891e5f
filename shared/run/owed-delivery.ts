import type { PlacedRepository } from "../agent/repository.ts";
import { after } from "../clock.ts";
import { withResults } from "../delivery/results.ts";
import type { Deliver, RepositoryResult } from "../documents/deliver.ts";
import type { Run } from "../documents/run.ts";
import { TIMING } from "../limits.ts";

/** One repository that a run's changes are delivered to, until they are or never will be. */
export interface OwedPlace {
  /** Of the workspace. Absent: it is the run's one repository. */
  folder?: string;
  url: string;
  /** What the run began with by the request; absent: the repository's HEAD. */
  ref?: string;
  /** Nobody delivers before this instant: somebody does, or the host asked to be left alone. */
  notBefore: Date | null;
  /** How often it was begun. */
  tries: number;
}

/** What of a run's state says how its changes are delivered. */
interface Owing {
  /** As the request says it. */
  deliver: Deliver;
  branch: string;
  /** When the sweep asks for it next; null: the run is not over. */
  dueAt: Date | null;
  /** Since when it is owed; null: it is not yet. */
  since: Date | null;
}

/** With its one repository, or those of several that are still owed: whoever waits longest first. */
export type OwedDelivery = Owing &
  ((OwedPlace & { places?: never }) | { places: readonly OwedPlace[] });

/** The repositories that are still owed. */
export function placesOf(delivery: OwedDelivery): readonly OwedPlace[] {
  if (delivery.places !== undefined) return delivery.places;
  const { url, ref, notBefore, tries } = delivery;
  return [{ url, notBefore, tries, ...(ref !== undefined && { ref }) }];
}

/** The delivery with what is owed then, due when the first of them is; null: nothing is. */
export function withPlaces(
  delivery: OwedDelivery,
  places: readonly OwedPlace[],
  now: Date,
): OwedDelivery | null {
  const [place] = places;
  if (place === undefined) return null;
  const due = places.map(({ notBefore }) => notBefore ?? after(now, TIMING.pendingDue));
  const dueAt = new Date(Math.min(...due.map((at) => at.getTime())));
  return delivery.places === undefined
    ? { ...delivery, ...place, dueAt }
    : { ...delivery, places, dueAt };
}

/** What became of a delivery to one repository, for the run's document. */
export type Delivered = Partial<RepositoryResult> & Pick<RepositoryResult, "delivery" | "why">;

/** Which repository's delivery an event is about, and which try of it. */
type Tried = Pick<OwedPlace, "folder" | "tries">;

/** What happens to the delivery of a finished run. */
export type DeliveryEvent =
  /** Somebody begins with the repository that has waited longest; it then is the last. */
  | { type: "deliveryTaken" }
  /** The sweep has asked for it. */
  | { type: "deliveryAsked" }
  /** It may go later. `retryAfterSeconds`: the host said when. */
  | ({ type: "deliveryPutOff"; cause: string; retryAfterSeconds: number } & Tried)
  | ({ type: "delivered"; result: Delivered } & Tried);

/** The branch of a conversation, unless a request names another: by its first run. */
const branchOf = ({ conversation }: Run): string =>
  `runyard/${conversation.id.replace(/^conv_/, "run_")}`;

/** What a run that is accepted with `deliver` will owe, and what its document says of it. */
export function deliveryOf(
  run: Run,
  deliver: Deliver,
  repositories: readonly PlacedRepository[],
): { delivery: OwedDelivery; run: Partial<Run> } {
  const branch = deliver.branch ?? branchOf(run);
  const waiting = ({ url }: PlacedRepository): RepositoryResult => ({
    ...{ url, branch, baseCommit: null, headCommit: null, pullRequest: null, conflict: null },
    delivery: "waiting",
    why: "It is delivered once the run is over.",
  });
  const placeOf = ({ url, ref }: PlacedRepository): OwedPlace => ({
    ...{ url, notBefore: null, tries: 0, ...(ref !== undefined && { ref }) },
  });
  const owing = { deliver, branch, dueAt: null, since: null };
  const [first] = repositories;
  if (first?.folder === "") {
    return {
      delivery: { ...owing, ...placeOf(first) },
      run: { repository: waiting(first) },
    };
  }
  const places = repositories.map((each) => ({ folder: each.folder, ...placeOf(each) }));
  const results = repositories.map((each) => ({ folder: each.folder, ...waiting(each) }));
  return { delivery: { ...owing, places }, run: { repositories: results } };
}

/** What the end of a run makes of its delivery: it is owed from now on, or never will be. */
export function deliveryAtEnd(
  run: Pick<Run, "repository" | "repositories" | "status">,
  delivery: OwedDelivery,
  now: Date,
): { delivery: OwedDelivery | null; run: Partial<Run> } {
  const { when = "succeeded" } = delivery.deliver;
  const { status } = run;
  if (when === "always" || status === "succeeded") {
    const dueAt = after(now, TIMING.pendingDue);
    return { delivery: { ...delivery, dueAt, since: now }, run: {} };
  }
  const why = `Not delivered: the run ended as ${status}, and deliver.when is succeeded.`;
  const skipped = withResults(run, (result) => ({ ...result, delivery: "skipped", why }));
  return { delivery: null, run: skipped };
}

import { after } from "../clock.ts";
import type { Deliver, RepositoryResult } from "../documents/deliver.ts";
import type { Run } from "../documents/run.ts";
import { TIMING } from "../limits.ts";

/** What of a run's state says how its changes are delivered, until they are or never will be. */
export interface OwedDelivery {
  /** As the request says it. */
  deliver: Deliver;
  /** Of the run's repository. */
  url: string;
  /** What the run began with by the request; absent: the repository's HEAD. */
  ref?: string;
  branch: string;
  /** When the sweep asks for it next; null: the run is not over. */
  dueAt: Date | null;
  /** Nobody delivers before this instant: somebody does, or the host asked to be left alone. */
  notBefore: Date | null;
  /** How often it was begun. */
  tries: number;
  /** Since when it is owed; null: it is not yet. */
  since: Date | null;
}

/** What became of a delivery, for the run's document. */
export type Delivered = Partial<RepositoryResult> & Pick<RepositoryResult, "delivery" | "why">;

/** What happens to the delivery of a finished run. */
export type DeliveryEvent =
  /** Somebody begins it. */
  | { type: "deliveryTaken" }
  /** The sweep has asked for it. */
  | { type: "deliveryAsked" }
  /** It may go later. `retryAfterSeconds`: the host said when. */
  | { type: "deliveryPutOff"; tries: number; cause: string; retryAfterSeconds: number }
  | { type: "delivered"; tries: number; result: Delivered };

/** The branch of a conversation, unless a request names another: by its first run. */
const branchOf = ({ conversation }: Run): string =>
  `runyard/${conversation.id.replace(/^conv_/, "run_")}`;

/** What a run that is accepted with `deliver` will owe, and what its document says of it. */
export function deliveryOf(
  run: Run,
  deliver: Deliver,
  { url, ref }: { url: string; ref?: string },
): { delivery: OwedDelivery; repository: RepositoryResult } {
  const branch = deliver.branch ?? branchOf(run);
  return {
    delivery: {
      ...{ deliver, url, branch, ...(ref !== undefined && { ref }) },
      ...{ dueAt: null, notBefore: null, tries: 0, since: null },
    },
    repository: {
      ...{ url, branch, baseCommit: null, headCommit: null, pullRequest: null, conflict: null },
      delivery: "waiting",
      why: "It is delivered once the run is over.",
    },
  };
}

/** What the end of a run makes of its delivery: it is owed from now on, or never will be. */
export function deliveryAtEnd(
  { repository, status }: Pick<Run, "repository" | "status">,
  delivery: OwedDelivery,
  now: Date,
): { delivery: OwedDelivery | null; repository: RepositoryResult | undefined } {
  const { when = "succeeded" } = delivery.deliver;
  const isWanted = when === "always" || status === "succeeded";
  if (isWanted) {
    const dueAt = after(now, TIMING.pendingDue);
    return { delivery: { ...delivery, dueAt, since: now }, repository };
  }
  const why = `Not delivered: the run ended as ${status}, and deliver.when is succeeded.`;
  return { delivery: null, repository: repository && { ...repository, delivery: "skipped", why } };
}

import { after } from "../clock.ts";
import { DELIVERY } from "../delivery/limits.ts";
import { withResults } from "../delivery/results.ts";
import { TIMING } from "../limits.ts";
import { truncateUtf8 } from "../text.ts";
import {
  type Delivered,
  type DeliveryEvent,
  type OwedDelivery,
  type OwedPlace,
  placesOf,
  withPlaces,
} from "./owed-delivery.ts";
import type { RunRecord, Transition } from "./record.ts";
import { refused, stay } from "./transition.ts";
import { watchOver } from "./watched-pull-request.ts";

/**
 * What a finished run's delivery goes through:
 *
 * Each repository's by itself:
 *
 * - owed: somebody may take it, and the sweep asks for it when it is due;
 * - taken: until the lease is over nobody else takes it; it is tried once;
 * - put off: the host did not take it now; it is taken again after a while, up to a bound;
 * - over: delivered, or refused for good. Nothing leaves this.
 */
export function onDelivery(record: RunRecord, event: DeliveryEvent, now: Date): Transition {
  const { delivery = null } = record.state;
  if (delivery === null || delivery.since === null) return refused("the run owes no delivery");
  if (event.type === "deliveryTaken") return onTaken(record, delivery, now);
  if (event.type === "deliveryAsked") {
    return put(record, { ...delivery, dueAt: after(now, TIMING.pendingDue) }, now);
  }
  // Whoever comes back after its lease was another's decides nothing.
  const { folder, tries } = event;
  const place = placesOf(delivery).find((each) => each.folder === folder && each.tries === tries);
  if (place === undefined) return refused("another delivers it");
  if (event.type === "delivered")
    return over(record, { delivery, place, result: event.result }, now);
  return onPutOff(record, { delivery, place, since: delivery.since, event }, now);
}

function onTaken(record: RunRecord, delivery: OwedDelivery, now: Date): Transition {
  const places = placesOf(delivery);
  const free = places.find(({ notBefore }) => notBefore === null || notBefore <= now);
  if (free === undefined) return refused("it is another's, or not due");
  const taken = { ...free, tries: free.tries + 1, notBefore: after(now, TIMING.lease) };
  const rest = places.filter((each) => each !== free);
  return put(record, withPlaces(delivery, [...rest, taken], now), now);
}

interface Placed {
  delivery: OwedDelivery;
  place: OwedPlace;
}

interface PutOff extends Placed {
  since: Date;
  event: Extract<DeliveryEvent, { type: "deliveryPutOff" }>;
}

function onPutOff(record: RunRecord, { since, event, ...placed }: PutOff, now: Date): Transition {
  const { delivery, place } = placed;
  const { retryAfterSeconds } = event;
  const cause = truncateUtf8(event.cause, DELIVERY.whyBytes);
  const backoff = Math.min(DELIVERY.minPause * 2 ** (place.tries - 1), DELIVERY.maxPause);
  const until = after(now, Math.max(backoff, retryAfterSeconds));
  if (until > after(since, DELIVERY.patience)) {
    const hours = DELIVERY.patience / 3600;
    const why = `Given up after ${hours} hours and ${place.tries} tries: ${cause}`;
    return over(record, { ...placed, result: { delivery: "refused", why } }, now);
  }
  const why = `Tried again at ${until.toISOString().slice(11, 19)} UTC: ${cause}`;
  const places = placesOf(delivery).map((each) =>
    each.folder === place.folder ? { ...each, notBefore: until } : each,
  );
  return stay(record, {
    now,
    state: { failedVisits: 0, delivery: withPlaces(delivery, places, now) },
    run: withResults(record.run, (each) =>
      each.folder === place.folder ? { ...each, why } : each,
    ),
  });
}

/** The state counts alone; what is said of it stays. */
const put = (record: RunRecord, delivery: OwedDelivery | null, now: Date): Transition =>
  stay(record, { now, state: { failedVisits: 0, delivery } });

function over(
  record: RunRecord,
  { delivery, place: { folder }, result }: Placed & { result: Delivered },
  now: Date,
): Transition {
  const why = truncateUtf8(result.why, DELIVERY.whyBytes);
  const run = withResults(record.run, (each) =>
    each.folder === folder ? { ...each, ...result, why } : each,
  );
  const rest = placesOf(delivery).filter((each) => each.folder !== folder);
  const watch = watchOver(result.pullRequest, now);
  const state = { delivery: withPlaces(delivery, rest, now), ...(watch && { watch }) };
  return stay(record, { now, state: { failedVisits: 0, ...state }, run });
}

import { after } from "../clock.ts";
import { DELIVERY } from "../delivery/limits.ts";
import { TIMING } from "../limits.ts";
import { truncateUtf8 } from "../text.ts";
import type { Delivered, DeliveryEvent, OwedDelivery } from "./owed-delivery.ts";
import type { RunRecord, Transition } from "./record.ts";
import { refused, stay } from "./transition.ts";
import { watchOver } from "./watched-pull-request.ts";

/**
 * What a finished run's delivery goes through:
 *
 * - owed: somebody may take it, and the sweep asks for it when it is due;
 * - taken: until the lease is over nobody else takes it; it is tried once;
 * - put off: the host did not take it now; it is taken again after a while, up to a bound;
 * - over: delivered, or refused for good. Nothing leaves this.
 */
export function onDelivery(record: RunRecord, event: DeliveryEvent, now: Date): Transition {
  const { delivery = null } = record.state;
  if (delivery === null || delivery.since === null) return refused("the run owes no delivery");
  // Whoever comes back after its lease was another's decides nothing.
  if ("tries" in event && event.tries !== delivery.tries) return refused("another delivers it");
  switch (event.type) {
    case "deliveryTaken":
      return onTaken(record, delivery, now);
    case "deliveryAsked":
      return put(record, { ...delivery, dueAt: after(now, TIMING.pendingDue) }, now);
    case "deliveryPutOff":
      return onPutOff(record, { delivery, since: delivery.since, event }, now);
    case "delivered":
      return over(record, event.result, now);
  }
}

function onTaken(record: RunRecord, delivery: OwedDelivery, now: Date): Transition {
  const { notBefore, tries } = delivery;
  if (notBefore !== null && notBefore > now) return refused("it is another's, or not due");
  const until = after(now, TIMING.lease);
  return put(record, { ...delivery, tries: tries + 1, notBefore: until, dueAt: until }, now);
}

interface PutOff {
  delivery: OwedDelivery;
  since: Date;
  event: Extract<DeliveryEvent, { type: "deliveryPutOff" }>;
}

function onPutOff(record: RunRecord, { delivery, since, event }: PutOff, now: Date): Transition {
  const { retryAfterSeconds } = event;
  const cause = truncateUtf8(event.cause, DELIVERY.whyBytes);
  const backoff = Math.min(DELIVERY.minPause * 2 ** (delivery.tries - 1), DELIVERY.maxPause);
  const until = after(now, Math.max(backoff, retryAfterSeconds));
  if (until > after(since, DELIVERY.patience)) {
    const hours = DELIVERY.patience / 3600;
    const why = `Given up after ${hours} hours and ${delivery.tries} tries: ${cause}`;
    return over(record, { delivery: "refused", why }, now);
  }
  const why = `Tried again at ${until.toISOString().slice(11, 19)} UTC: ${cause}`;
  const { repository } = record.run;
  return stay(record, {
    now,
    state: { failedVisits: 0, delivery: { ...delivery, notBefore: until, dueAt: until } },
    ...(repository && { run: { repository: { ...repository, why } } }),
  });
}

/** The state counts alone; what is said of it stays. */
const put = (record: RunRecord, delivery: OwedDelivery, now: Date): Transition =>
  stay(record, { now, state: { failedVisits: 0, delivery } });

function over(record: RunRecord, result: Delivered, now: Date): Transition {
  const { repository } = record.run;
  const why = truncateUtf8(result.why, DELIVERY.whyBytes);
  const run = repository && { repository: { ...repository, ...result, why } };
  const watch = watchOver(run?.repository.pullRequest, now);
  const state = { failedVisits: 0, delivery: null, ...(watch && { watch }) };
  return stay(record, { now, state, ...(run && { run }) });
}

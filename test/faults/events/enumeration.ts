import { beyond, type Case, singles } from "../crash-points/cases.ts";
import { type Reached, reachedBy } from "../crash-points/points.ts";
import { type Enumerated, enumerateBy } from "../crash-points/run.ts";
import { EVENT_SETTINGS, type EventSetting, tellEvents } from "./tell.ts";

/** The handlers, and the one call of another, that only a world of events leads to. */
const OWN =
  /^((receiveHook|receiveEvent|deliverWebhook|deliver|sweep) |recordBuildStatus pubsub\.publish run-deliveries$)/;

/**
 * The points of those handlers, a second call of a site only where it decides; those of all others
 * are enumerated without events.
 */
export async function reachedByEvents(): Promise<Reached<EventSetting>> {
  const reached = await reachedBy(EVENT_SETTINGS, tellEvents);
  const isWanted = ({ site, nth }: { site: string; nth: number }) =>
    OWN.test(site) && (nth === 1 || site.endsWith(" firestore.commit"));
  return new Map([...reached].filter(([, { point }]) => isWanted(point)));
}

/** A crash at each call, and at those that only a crash leads to. */
export async function enumerateEvents(
  reached: Reached<EventSetting>,
  options: { onCase?: (so: Enumerated<EventSetting>) => boolean } = {},
): Promise<Enumerated<EventSetting>[]> {
  const first = await enumerateBy(tellEvents, singles(reached, 1, 1), options);
  const own = new Map([...first.seen].filter(([site]) => OWN.test(site)));
  const after: Iterable<Case<EventSetting>> = beyond(reached, own);
  return [first, await enumerateBy(tellEvents, after, options)];
}

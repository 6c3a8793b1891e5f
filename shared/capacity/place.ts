import { after } from "../clock.ts";
import { Instant, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";

/** A run's place among those of its owner that wait for a build slot. */
export const QueuePlace = Type.Object({
  position: Type.Integer({
    description: "From 1: that many runs of the owner are served by then.",
  }),
  startsAt: nullable(Instant, {
    description:
      "When a slot is expected; an estimate. Null: nobody knows yet how long one is held.",
  }),
});
export type QueuePlace = Static<typeof QueuePlace>;

/** What a place in a line is estimated by. */
export interface Waiting {
  /** Runs of the line that were accepted before. */
  before: number;
  /** Slots of the machine type. */
  slots: number;
  /** Weight of the line, and of all that wait. */
  weight: number;
  weights: number;
  /** How long slots were held lately; null: nobody knows. */
  meanHoldSeconds: number | null;
}

/** A run's place, and when it may get a slot, if all goes on as it does. */
export function queuePlace(
  { before, slots, weight, weights, meanHoldSeconds }: Waiting,
  now: Date,
): QueuePlace {
  const position = before + 1;
  const share = Math.max(1, (slots * weight) / Math.max(weight, weights));
  if (meanHoldSeconds === null || slots === 0) return { position, startsAt: null };
  return { position, startsAt: after(now, Math.ceil(position / share) * meanHoldSeconds) };
}

import type { GoogleStatus } from "../../../infra/emulators/wire/status.ts";

/** Errors that a caller is told although its call may have happened. */
export type LostStatus = Extract<
  GoogleStatus,
  "UNAVAILABLE" | "ABORTED" | "INTERNAL" | "DEADLINE_EXCEEDED"
>;

/** What befalls a call, and whoever makes it. */
export type Fate =
  /**
   * The process is gone, before the call or after it happened; what it would have done next never
   * is.
   */
  | { type: "die"; when: "before" | "after" }
  /** The process stands still, all of it, and goes on later as if nothing was. */
  | { type: "freeze"; when: "before" | "after"; seconds: number }
  /** The call happens, and its caller is told that it did not. */
  | { type: "lost"; status: LostStatus }
  /** The call happens, its client is not told so and repeats it, and tells what that gives. */
  | { type: "again" }
  /** Half of what is read comes, and nothing says that there was more. */
  | { type: "short" }
  /** The call does not happen, and its caller is told so. */
  | { type: "fail"; status: GoogleStatus }
  /** The call happens late; its caller may have given up by then. */
  | { type: "slow"; seconds: number };

/** One call that a process makes, and may be hindered at. */
export interface Point {
  /** Who calls: the name of a handler, or `runner`. */
  handler: string;
  /** `firestore.commit`, `storage.insert claim` … */
  kind: string;
  /** The how many-th call of this handler and kind in the world it is, from 1. */
  nth: number;
  atMs: number;
}

/** Decides what befalls each call; undefined: nothing. */
export type Plan = (point: Point) => Fate | undefined;

/** `lost UNAVAILABLE`, `die before`: the name of a fate in counts and traces. */
export function nameOf(fate: Fate): string {
  if (fate.type === "die" || fate.type === "freeze") return `${fate.type} ${fate.when}`;
  return "status" in fate ? `${fate.type} ${fate.status}` : fate.type;
}

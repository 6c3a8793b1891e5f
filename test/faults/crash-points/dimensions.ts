/**
 * What a run may meet beside a crash, each by the names of its values; the first is the quiet one.
 */
export const DIMENSIONS = {
  /**
   * Messages of `cloud-builds`. Early: one that overtakes the answer to the call that caused it.
   */
  status: ["usual", "lost", "twice", "late", "early"],
  /**
   * When Cloud Build begins a build: soon, about when the lease that created it ends, or much
   * later.
   */
  queue: ["soon", "lease", "long"],
  /** When the caller cancels. */
  cancel: [
    "never",
    "accepted",
    "leased",
    "creating",
    "queued",
    "claimed",
    "working",
    "uploading",
    "settling",
  ],
  /** When an operator presses Retry on the build. */
  retry: ["never", "queued", "working", "over"],
  /** By how much the clocks of the functions' machines are wrong: five minutes, or not. */
  clock: ["right", "ahead", "behind"],
  /** Whether the API hears what runners report. */
  report: ["heard", "unheard"],
  /** Whether another turn of the conversation waits. */
  turn: ["none", "waiting"],
  /** What the caller does when the run is over. */
  afterwards: ["nothing", "deletes"],
  /**
   * How the build's machine is lost, or ended by somebody; or what it has stored is not what it
   * said.
   */
  build: ["lives", "lost early", "lost at work", "lost late", "cancelled outside", "corrupts"],
  /** Whether the target's slots are there, or the first run has them made. */
  slots: ["made", "unmade"],
} as const;

export type Dimension = keyof typeof DIMENSIONS;
/** A value of each dimension. */
export type Setting = { [D in Dimension]: (typeof DIMENSIONS)[D][number] };

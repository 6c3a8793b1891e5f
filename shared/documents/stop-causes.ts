/** Why the runner ended the agent, or another command, itself; null: it ended by itself. */
export const STOP_CAUSES = [
  "cancel",
  "deadline",
  "idle",
  "memory",
  "processes",
  "disk",
  /** It had given its result and did not exit. */
  "lingered",
  /** It kept retrying a key that the model's API refuses. */
  "unauthorized",
  /** Its build is being ended from outside (SIGTERM). */
  "terminated",
  /** Its attempt was decided by others: what it does counts for nothing. */
  "superseded",
] as const;

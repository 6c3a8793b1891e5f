/** What the command ends with; `docs/cli.md` has the same table. */
export const EXIT = {
  /** The run succeeded, or what was asked is done. */
  done: 0,
  /** The run failed or expired, or what was asked could not be done here. */
  failed: 1,
  /** The command line is not as it must be. */
  usage: 2,
  /** No server, no valid key, or a refusal of the API. */
  api: 3,
  /** With `--strict`: it succeeded, but tools were denied, or something is not kept. */
  incomplete: 4,
  cancelled: 5,
  timedOut: 124,
  /** Nobody follows the run any longer; it goes on. */
  detached: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a finished run is for whoever followed it. */
interface Ended {
  status: string;
  verdict: { outcome: string; deniedTools: string[] } | null;
  output: { omitted?: { files: unknown[]; moreFiles: number } | undefined } | null;
}

/**
 * What a run that is over ends the command with. The set of statuses is open: an unknown one is no
 * success.
 *
 * @param isStrict whether denied tools and files that are not kept make a success none
 */
export function exitCodeOf(run: Ended, isStrict = false): ExitCode {
  switch (run.status) {
    case "succeeded":
      return isStrict && !isComplete(run) ? EXIT.incomplete : EXIT.done;
    case "cancelled":
      return EXIT.cancelled;
    case "timed_out":
      return EXIT.timedOut;
    default:
      return EXIT.failed;
  }
}

function isComplete({ verdict, output }: Ended): boolean {
  const omitted = output?.omitted;
  const denied = verdict?.deniedTools.length ?? 0;
  return denied === 0 && (omitted === undefined || omitted.files.length + omitted.moreFiles === 0);
}

/** Of several runs the first that is no success decides. */
export function firstOther(codes: readonly ExitCode[]): ExitCode {
  return codes.find((code) => code !== EXIT.done) ?? EXIT.done;
}

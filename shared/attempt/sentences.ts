import type { AgentFacts } from "../documents/manifest.ts";
import { ARTIFACT_GAP_CAUSES, type ArtifactGaps } from "../documents/omissions.ts";

/** An agent goes on without a server that does not start; who reads its answer shall know. */
export function withoutServers(message: string, names: readonly string[]): string {
  if (names.length === 0) return message;
  return `${message} Without the tools of MCP servers that did not start: ${names.join(", ")}.`;
}

/** Which files that the run wants kept are not. */
export function withGaps(message: string, gaps: ArtifactGaps | undefined): string {
  if (gaps === undefined) return message;
  const { unmatched, leftOut, more } = gaps;
  const missing = [
    ...(unmatched.length > 0 ? [` No file matches ${unmatched.join(", ")}.`] : []),
    ...(leftOut.length > 0
      ? [` No artifact is ${named(leftOut, { causes: ARTIFACT_GAP_CAUSES, more })}.`]
      : []),
  ];
  return message + missing.join("");
}

/** What was ended while it was at work, as sentences begin. */
export function endedOf({ background, leftProcesses }: AgentFacts): string[] {
  const ended: string[] = [];
  if (background !== undefined) {
    const names = background.join(", ");
    ended.push(`commands that were still at work in the background ended with the agent: ${names}`);
  }
  if (leftProcesses !== undefined) {
    const { commands, more } = leftProcesses;
    const names = commands.join(", ") + (more > 0 ? ` and ${more} more` : "");
    ended.push(`processes that the agent left did not end in time: ${names}`);
  }
  return ended;
}

/** Files that a sentence names. */
const NAMED = 5;

/**
 * Files and why each is missing: `a.txt (too large), b.txt (a link) and 3 more`.
 *
 * @param more further ones, beyond those of the list
 */
export function named<Cause extends string>(
  files: readonly { path: string; why: Cause }[],
  { causes, more }: { causes: Readonly<Record<Cause, string>>; more: number },
): string {
  const shown = files.slice(0, NAMED).map(({ path, why }) => `${path} (${causes[why]})`);
  const rest = files.length - shown.length + more;
  return shown.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

import type { Run } from "../../client/types.ts";
import { cut, firstLine } from "../words/shown.ts";
import { markOf } from "../words/status.ts";

type Runs = ReadonlyMap<string, Run>;

/**
 * What began to work and what ended between two states of the list, a sentence each, for screen
 * readers.
 */
export function newsOf(before: Runs, after: Runs): string[] {
  const sentences: string[] = [];
  for (const [id, run] of after) {
    const known = before.get(id);
    if (known === undefined || known === run || known.status === run.status) continue;
    if (!run.done && run.status !== "running") continue;
    const word = run.done ? markOf(run, false).word : "Started";
    sentences.push(`${word}: ${cut(firstLine(run.promptPreview), 80)}.`);
  }
  return sentences;
}

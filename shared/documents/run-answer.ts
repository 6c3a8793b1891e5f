import { RUN_UNSAID } from "../run/stored.ts";
import { type Run, type RunAnswer, Run as RunSchema } from "./run.ts";

/**
 * A run as HTTP answers it. A document's fields come back in alphabetical order; people read them
 * in the schema's.
 */
export function answerOf(stored: Run): RunAnswer {
  const run = { ...RUN_UNSAID, ...stored };
  const { output } = run;
  const structured = JSON.parse(output?.structured ?? "null") as unknown;
  const answer = { ...run, output: output && { ...output, structured } };
  const names = Object.keys(RunSchema.properties) as (keyof Run)[];
  return Object.fromEntries(names.map((name) => [name, answer[name]])) as unknown as RunAnswer;
}

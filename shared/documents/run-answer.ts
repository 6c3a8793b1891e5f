import { QueuePlace } from "../capacity/place.ts";
import { RUN_UNSAID } from "../run/stored.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { outputProperties, Run } from "./run.ts";

/** A run over HTTP: as its document, with the structured output as JSON. */
export const RunAnswer = Type.Object({
  ...Run.properties,
  queue: Type.Optional(
    Type.Object(QueuePlace.properties, {
      description: "Only where one run is read, and while it waits for a build slot.",
    }),
  ),
  output: nullable(
    Type.Object({
      ...outputProperties,
      structured: Type.Unknown({ description: "The structured output; null: there is none." }),
    }),
  ),
});
export type RunAnswer = Static<typeof RunAnswer>;

/**
 * A run as HTTP answers it. A document's fields come back in alphabetical order; people read them
 * in the schema's.
 */
export function answerOf(stored: Run): RunAnswer {
  const run = { ...RUN_UNSAID, ...stored };
  const { output } = run;
  const structured = JSON.parse(output?.structured ?? "null") as unknown;
  const answer = { ...run, output: output && { ...output, structured } };
  const names = Object.keys(Run.properties) as (keyof Run)[];
  return Object.fromEntries(names.map((name) => [name, answer[name]])) as unknown as RunAnswer;
}

import type { Fault } from "../errors.ts";
import { RUN_LIMITS } from "../limits.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";

/** A command that says by its exit code whether what the agent left is as it shall be. */
export const Check = Type.Object(
  {
    name: Type.String({
      ...formed({
        pattern: "^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,49}$",
        form: 'letters, digits, spaces and "._:/-", at most 50 and a letter or digit first',
        example: "unit tests",
      }),
      description: "What it is called; no other check of the run is called the same.",
    }),
    command: Type.String({
      minLength: 1,
      maxLength: 8192,
      description: "Shell commands; exit code 0 passes.",
    }),
    timeoutSeconds: Type.Optional(
      Type.Integer({
        minimum: RUN_LIMITS.minCheckSeconds,
        maximum: RUN_LIMITS.maxTimeoutSeconds,
        description: `Seconds that it may take, within the run's own timeoutSeconds. Default: ${RUN_LIMITS.defaultCheckSeconds}.`,
      }),
    ),
    required: Type.Optional(
      Type.Boolean({ description: "Whether the run fails if it does not pass. Default: true." }),
    ),
  },
  { additionalProperties: false },
);
export type Check = Static<typeof Check>;

/** What is wrong with the checks of an agent that a schema cannot say: names that are there twice. */
export function checkFaults({ checks = [] }: { checks?: readonly Check[] }): Fault[] {
  const names = checks.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [{ pointer: `/checks/${index}/name`, detail: `is the name of another check: ${name}` }],
  );
}

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

const FAILURE_FORM = {
  "x-form": `"stop", "again", or {"again": N} for N times at most, 1 to ${RUN_LIMITS.handBacks}`,
};

/** What becomes of a run whose agent is done and whose required checks do not pass. */
export const OnFailure = Type.Union(
  [
    Type.Enum(["stop", "again"], FAILURE_FORM),
    Type.Object(
      { again: Type.Integer({ minimum: 1, maximum: RUN_LIMITS.handBacks }) },
      { additionalProperties: false },
    ),
  ],
  {
    description:
      "What happens when a required check does not pass: the run ends (stop, the default), or the agent goes on with what the checks said, once (again) or as often as {again} says, and all run again.",
  },
);

/**
 * How often the agent of a run works at most: once, and each time that a failure is handed back to
 * it.
 */
export function roundsOf({ onFailure = "stop" }: { onFailure?: Static<typeof OnFailure> }): number {
  if (typeof onFailure === "object") return 1 + onFailure.again;
  return onFailure === "again" ? 2 : 1;
}

interface Checked {
  checks?: readonly Check[];
  onFailure?: Static<typeof OnFailure>;
}

/**
 * What is wrong with the checks of an agent that a schema cannot say: names that are there twice,
 * and failures that none of them can have.
 */
export function checkFaults({ checks = [], ...settings }: Checked): Fault[] {
  const names = checks.map(({ name }) => name);
  const twice = names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [{ pointer: `/checks/${index}/name`, detail: `is the name of another check: ${name}` }],
  );
  const isIdle = roundsOf(settings) > 1 && !checks.some(({ required = true }) => required);
  const detail = "is about required checks, and there are none: add one to checks";
  return isIdle ? [...twice, { pointer: "/onFailure", detail }] : twice;
}

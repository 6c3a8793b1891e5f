import { RunAnswer } from "../documents/run-answer.ts";
import { Type } from "../schema/type.ts";
import { DryRun } from "./dry-run.ts";

/** `POST …/runs?dryRun`: the query's parameters. */
export const AcceptQuery = Type.Object(
  {
    dryRun: Type.Optional(
      Type.Enum(["", "true", "false"], {
        description:
          "Whether the request is only looked at: nothing is made or written, and `Idempotency-Key` and `Prefer` say nothing. `?dryRun` alone is as true.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** What accepting a run answers. */
export const RUN_ACCEPTED = {
  202: {
    description: "Accepted, and durable.",
    schema: RunAnswer,
    headers: {
      Location: "The run's path.",
      "Idempotency-Replayed": "true: the run was there already.",
    },
  },
  200: {
    description: "The finished run, which `Prefer: wait` waited for.",
    schema: RunAnswer,
    headers: { "Preference-Applied": "wait=N", Location: "The run's path." },
  },
} as const;

/** What accepting a run answers where it may only be looked at. */
export const RUN_ACCEPTED_OR_TRIED = {
  ...RUN_ACCEPTED,
  200: {
    ...RUN_ACCEPTED[200],
    description: `${RUN_ACCEPTED[200].description} With \`dryRun\`, what the request would come to.`,
    schema: Type.Union([RunAnswer, DryRun]),
  },
} as const;

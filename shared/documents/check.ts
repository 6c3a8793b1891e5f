import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { STOP_CAUSES } from "./stop-causes.ts";

/** What the runner saw of a check. */
export const CheckFacts = Type.Object({
  name: Type.String(),
  required: Type.Boolean(),
  exitCode: nullable(Type.Integer()),
  stoppedBy: nullable(Type.Enum([...STOP_CAUSES])),
  /** Milliseconds that it took. Null: it did not run. */
  ms: nullable(Type.Integer({ minimum: 0 })),
  /** The end of what it said, at most `MANIFEST_LIMITS.checkOutputBytes`. */
  output: Type.String(),
  /** The agent changed a file that the command names, or one below a folder that it names. */
  editedByAgent: Type.Boolean(),
});
export type CheckFacts = Static<typeof CheckFacts>;

/** How a check can end. One that the run's end broke off did not run. */
const CHECK_STATES = ["passed", "failed", "timed_out", "not_run"] as const;
export type CheckState = (typeof CHECK_STATES)[number];

/** A check in the run's document. */
export const CheckResult = Type.Object({
  name: Type.String(),
  state: Type.Enum([...CHECK_STATES]),
  required: Type.Boolean({ description: "Whether the run fails if it does not pass." }),
  exitCode: nullable(Type.Integer(), {
    description: "Null: it did not end by itself, or did not run.",
  }),
  ms: nullable(Type.Integer(), { description: "How long it took; null: it did not run." }),
  output: Type.String({ description: "The end of what it said; checks.log has more." }),
  editedByAgent: Type.Boolean({
    description:
      "The agent changed a file that the command names, or one below a folder that it names.",
  }),
});
export type CheckResult = Static<typeof CheckResult>;

import { PROBLEMS, type ProblemCode } from "../errors.ts";
import { type Static, Type } from "../schema/type.ts";

/** Every code of {@link PROBLEMS}. */
const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

/** The body of every refusal: `application/problem+json`, as RFC 9457 has it. */
export const Problem = Type.Object({
  type: Type.Literal("about:blank"),
  title: Type.String({ description: "What the code means, for people." }),
  status: Type.Integer({ description: "The HTTP status." }),
  code: Type.Enum(PROBLEM_CODES, { description: "What is wrong, for programs. The set is open." }),
  detail: Type.String({ description: "What is wrong with this request, and what to do." }),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        pointer: Type.String({ description: "JSON pointer into the body, or the parameter." }),
        detail: Type.String(),
      }),
      { description: "Each fault of a request that does not fit its schema; at most 20." },
    ),
  ),
});
export type Problem = Static<typeof Problem>;

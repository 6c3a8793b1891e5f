import { RUN_LIMITS } from "../limits.ts";
import { type TSchema, Type } from "./type.ts";
import { formed, named } from "./words.ts";

export const nullable = <T extends TSchema>(schema: T, options?: { description: string }) =>
  Type.Union([schema, Type.Null()], options);

/** An instant: a Timestamp in documents, a `Date` in memory, an RFC 3339 string over HTTP. */
export const Instant = Type.Unsafe<Date>({ type: "string", format: "date-time" });

const LABEL_KEY = {
  pattern: `^[a-z][a-z0-9_.-]{0,${RUN_LIMITS.labelKeyLength - 1}}$`,
  form: `a lower-case letter and then at most ${RUN_LIMITS.labelKeyLength - 1} lower-case letters, digits, "_", "." and "-"`,
  example: "cost-center",
};

/** A caller's own marks on a run or an agent. */
export const Labels = Type.Record(
  Type.String(formed(LABEL_KEY)),
  Type.String({ maxLength: RUN_LIMITS.labelValueLength }),
  { ...named(LABEL_KEY), maxProperties: RUN_LIMITS.labels },
);

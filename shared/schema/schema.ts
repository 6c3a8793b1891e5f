import { RUN_LIMITS } from "../limits.ts";
import { type TSchema, Type } from "./type.ts";

export const nullable = <T extends TSchema>(schema: T, options?: { description: string }) =>
  Type.Union([schema, Type.Null()], options);

/** An instant: a Timestamp in documents, a `Date` in memory, an RFC 3339 string over HTTP. */
export const Instant = Type.Unsafe<Date>({ type: "string", format: "date-time" });

/** A caller's own marks on a run or an agent. */
export const Labels = Type.Record(
  Type.String({ pattern: `^[a-z][a-z0-9_.-]{0,${RUN_LIMITS.labelKeyLength - 1}}$` }),
  Type.String({ maxLength: RUN_LIMITS.labelValueLength }),
  { maxProperties: RUN_LIMITS.labels, additionalProperties: false },
);

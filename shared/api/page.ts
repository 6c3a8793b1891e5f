import { type TSchema, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";

/** Query parameters of every list. */
export const paging = {
  pageSize: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: "Items of a page. Default: 20." }),
  ),
  pageToken: Type.Optional(
    Type.String({
      maxLength: 1024,
      description: "`nextPageToken` of the page before, asked for with the same filter.",
    }),
  ),
};

/** A query parameter that names an instant, or a day's beginning in UTC. */
export const instant = (description: string) =>
  Type.String({
    ...formed({
      pattern:
        "^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d))?$",
      form: "an instant of RFC 3339, or a day",
      example: "2026-11-29T02:00:00Z",
    }),
    description,
  });

/** A page of a list; the last one has no `nextPageToken`. */
export const pageOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), nextPageToken: Type.Optional(Type.String()) });

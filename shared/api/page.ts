import { type TSchema, Type } from "../schema/type.ts";

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

/** A page of a list; the last one has no `nextPageToken`. */
export const pageOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), nextPageToken: Type.Optional(Type.String()) });

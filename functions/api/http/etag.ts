/**
 * Whether a list of ETags, as `If-None-Match` has it, has this one. Not by Express's
 * `request.fresh`: that takes the `no-cache` which `fetch` adds for a wish to have all of it again.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
 */
export function namesTag(list: string | undefined, etag: string): boolean {
  const tags = list?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(etag);
}

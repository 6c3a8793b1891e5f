import type { CreateAgent } from "../../client/types.ts";

/** What of an agent or of a version of it may be changed. */
export function contentOf({
  name,
  labels,
  settings,
}: Required<CreateAgent>): Required<CreateAgent> {
  return { name, labels, settings };
}

import { createClient } from "../../../client/client.ts";
import type { CreateRun, Run } from "../../../client/types.ts";

/** Somebody waits for the answer: one more try is enough. */
const RETRIES = 1;

/**
 * Sends a run to the API.
 *
 * @throws {ProblemError} with the API's own words if it refuses
 */
export function sendRun(
  { apiUrl, key }: { apiUrl: string; key: string },
  body: CreateRun,
): Promise<Run> {
  return createClient({ url: apiUrl, key, retries: RETRIES }).runs.create(body);
}

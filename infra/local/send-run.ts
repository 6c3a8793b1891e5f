/** A run as the API answers it, as far as a client needs it to go on. */
interface AcceptedRun {
  id: string;
}

/**
 * Sends a run to the API.
 *
 * @throws {Error} with the API's own words if it refuses
 */
export async function sendRun(
  { apiUrl, key }: { apiUrl: string; key: string },
  body: { prompt: string; agent?: Record<string, unknown> },
): Promise<AcceptedRun> {
  const response = await fetch(`${apiUrl}/runs`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (response.status === 202) return answer as AcceptedRun;
  const { detail, title } = answer as { detail?: string; title?: string };
  throw new Error(`the API refused the run (${response.status}): ${detail ?? title}`);
}

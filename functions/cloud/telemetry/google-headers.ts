import { GoogleAuth } from "google-auth-library";

/** Of what Google lets write traces and metrics. */
const SCOPES = [
  "https://www.googleapis.com/auth/trace.append",
  "https://www.googleapis.com/auth/monitoring.write",
];

/**
 * Headers of a request to Google's own receiver of OTLP: the account of the process.
 *
 * @param tell is told why there are none; then the request is refused
 * @see https://cloud.google.com/stackdriver/docs/reference/telemetry/api
 */
export function googleHeaders(tell: (text: string) => void): () => Promise<Record<string, string>> {
  const auth = new GoogleAuth({ scopes: SCOPES });
  return async () => {
    try {
      return Object.fromEntries(await auth.getRequestHeaders());
    } catch (error) {
      tell(`no access token: ${(error as Error).message}`);
      return {};
    }
  };
}

import http from "node:http";
import { KEY } from "./services.ts";

/** The body of every run that the bench sends. */
export const RUN_BODY = JSON.stringify({
  prompt: "Read the failing test, find its cause and repair it. ".repeat(10),
  agent: { settings: { model: "sonnet", maxTurns: 20, tools: ["Read", "Edit", "Bash"] } },
  labels: { team: "bench" },
});

/** Headers of a `POST /v1/runs`, apart from the host's. */
export const RUN_HEADERS = {
  authorization: `Bearer ${KEY}`,
  "content-type": "application/json",
  "content-length": String(Buffer.byteLength(RUN_BODY)),
};

/** Where a request goes: a Unix socket, or a port on loopback. */
export type Place = { socketPath: string } | { port: number };

/**
 * Sends one request over a connection of its own and returns the status; the answer is read whole.
 */
export function send(place: Place, method: "GET" | "POST", path: string): Promise<number> {
  const headers = { host: "127.0.0.1", ...(method === "POST" && RUN_HEADERS) };
  return new Promise((resolve, reject) => {
    const options = { ...place, method, path, headers, agent: false, timeout: 60_000 };
    const request = http.request(options, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    request.on("error", reject);
    request.end(method === "POST" ? RUN_BODY : undefined);
  });
}

import { fieldsIn, isFields } from "../../json.ts";
import { SYNTHETIC_MODEL } from "./stream-json.ts";

/** Whether in a line of stream-json Claude Code speaks itself: it tells of an error. */
export function isOwnWords(line: string): boolean {
  const event = fieldsIn(line);
  if (event?.["type"] === "result") return event["is_error"] === true;
  const message = event?.["type"] === "assistant" ? event["message"] : undefined;
  return isFields(message) && message["model"] === SYNTHETIC_MODEL;
}

/**
 * Claude Code's own words with the model's API by the name that people know: to it the API is a
 * port in its sandbox, `modelHost`.
 */
export function withApiHost(text: string, modelHost: string | undefined, apiHost: string): string {
  if (modelHost === undefined) return text;
  const host = new RegExp(`${modelHost.replaceAll(".", "\\.")}(?!\\d)`, "g");
  return text.replace(host, () => apiHost);
}

import { RUN_LIMITS } from "../../shared/limits.ts";
import { cutText } from "../../shared/text.ts";
import { isFields } from "./json.ts";

/** The field of a tool's input that says most, by preference. */
const TELLING_FIELDS = ["file_path", "command", "pattern", "url", "query", "description", "path"];

/** The part of a tool's input that says most: a path in the workspace, a command, … */
export function tellingInput(input: unknown): string | undefined {
  if (!isFields(input)) return undefined;
  const telling = TELLING_FIELDS.map((field) => input[field]).find(
    (value) => typeof value === "string" && value !== "",
  ) as string | undefined;
  return telling?.replace(/^(\/\S*)?\/workspace\//, "");
}

/** The same, or else the whole as JSON, cut to what an event holds. */
export function shownInput(input: unknown): string {
  const telling = tellingInput(input) ?? (isFields(input) ? JSON.stringify(input) : "");
  return cutText(telling.toWellFormed(), RUN_LIMITS.eventInputBytes);
}

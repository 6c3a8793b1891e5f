import { Liquid } from "liquidjs";
import { RUN_LIMITS, TRIGGER_LIMITS } from "../../../shared/limits.ts";
import { utf8Length } from "../../../shared/text.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import { bound } from "./cel.ts";
import { NotUsable, remembered } from "./remembered.ts";

const LIQUID = new Liquid({
  ownPropertyOnly: true,
  strictFilters: true,
  renderLimit: TRIGGER_LIMITS.renderMs,
  memoryLimit: 4 * RUN_LIMITS.promptBytes,
  timezoneOffset: 0,
  locale: "en",
  root: [],
  // Templates have no others to include: neither files nor names.
  templates: {},
});
for (const tag of ["include", "render", "layout", "block"]) delete LIQUID.tags[tag];

const parsedOf = remembered((text) => LIQUID.parse(text));

/** What makes a template unusable for any event; undefined: nothing. */
export function templateFault(text: string): string | undefined {
  try {
    parsedOf(text);
    return undefined;
  } catch (error) {
    return `is no Liquid template: ${messageOf(error)}`;
  }
}

/**
 * The prompt that a template makes of an event. What the event does not have is empty.
 *
 * @throws {NotUsable} if it fails, is blank or too long
 */
export function render(text: string, event: IncomingEvent): string {
  const prompt = renderedOf(text, event);
  if (prompt.trim() === "") throw new NotUsable("the prompt is blank");
  if (utf8Length(prompt) <= RUN_LIMITS.promptBytes) return prompt;
  throw new NotUsable(`the prompt has more than ${RUN_LIMITS.promptBytes} bytes`);
}

function renderedOf(text: string, event: IncomingEvent): string {
  try {
    return LIQUID.renderSync(parsedOf(text), { event: bound(event) });
  } catch (error) {
    throw new NotUsable(`the prompt fails: ${messageOf(error)}`, { cause: error });
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.split("\n", 1).join("") : String(error);

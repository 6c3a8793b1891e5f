import {
  type CelError,
  type CelInput,
  type CelResult,
  celEnv,
  isCelError,
  parse,
  plan,
} from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { TRIGGER_LIMITS } from "../../../shared/limits.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import type { Decision, TriggerExpressions } from "../../services/expressions.ts";
import { NotUsable, remembered } from "./remembered.ts";

const ENVIRONMENT = celEnv({ funcs: [...strings] });

type Planned = (bindings: { event: CelInput }) => CelResult;

const plannedOf = remembered((text): Planned => plan(ENVIRONMENT, parse(text)));

/** A CEL expression that names what no event has: whatever it is asked about, it fails. */
const NEVER = /^(unbound function|unresolved attribute)/;

/** An event that has no data. */
const PROBE: IncomingEvent = { id: "1", source: "/", type: "probe", extensions: {}, data: {} };

/** What makes an expression unusable for any event; undefined: nothing. */
export function celFault(text: string): string | undefined {
  try {
    const result = plannedOf(text)({ event: bound(PROBE) });
    if (!isCelError(result) || !NEVER.test(result.message)) return undefined;
    return `${result.message}; an expression has the variable event, and CEL's own functions`;
  } catch (error) {
    return `is no CEL expression: ${messageOf(error)}`;
  }
}

/**
 * What a filter and the keys say of an event. A filter that asks for a field that is not there does
 * not match: hooks send many kinds of events.
 *
 * @throws {NotUsable} if a filter is neither true nor false, or a key no text, number or boolean
 */
export function decide(
  { filter, dedupe, conversation }: TriggerExpressions,
  event: IncomingEvent,
): Decision {
  const bindings = { event: bound(event) };
  if (filter !== null) {
    const value = plannedOf(filter)(bindings);
    if (isMissing(value)) return { matches: false, why: `the filter: ${value.message}` };
    if (value === false) return { matches: false, why: null };
    if (value !== true) throw new NotUsable(`the filter ${faultOf(value, "true or false")}`);
  }
  return {
    matches: true,
    key: dedupe === null ? null : keyOf("dedupe", plannedOf(dedupe)(bindings)),
    conversation:
      conversation === null ? null : keyOf("conversation", plannedOf(conversation)(bindings)),
  };
}

/** What filters and templates see of an event: each attribute by its name, and the data. */
export function bound({ extensions, ...event }: IncomingEvent): Record<string, CelInput> {
  return { ...extensions, ...event } as Record<string, CelInput>;
}

function isMissing(value: CelResult): value is CelError {
  return isCelError(value) && /^(field not found|index .* out of bounds)/.test(value.message);
}

function keyOf(name: string, value: CelResult): string {
  const text = ["string", "number", "bigint", "boolean"].includes(typeof value) && `${value}`;
  if (!text)
    throw new NotUsable(`the key ${name} ${faultOf(value, "text, a number or a boolean")}`);
  if (text.length <= TRIGGER_LIMITS.keyLength) return text;
  throw new NotUsable(`the key ${name} has more than ${TRIGGER_LIMITS.keyLength} characters`);
}

function faultOf(value: CelResult, wanted: string): string {
  return isCelError(value) ? `fails: ${value.message}` : `is not ${wanted}`;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/^<input>:/, "at ") : String(error);

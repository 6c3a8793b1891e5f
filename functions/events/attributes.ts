import { AppError } from "../../shared/errors.ts";
import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";

/** Bytes of an attribute's value at most; Pub/Sub has the same bound. */
const VALUE_BYTES = 1024;
const MOST = {
  id: 512,
  source: VALUE_BYTES,
  type: 256,
  // The path of a document of Firestore can be long.
  subject: 2048,
  extensions: 50,
} as const;

/** Attributes by their names, as any of CloudEvents' bindings has them. */
export type Attributes = Readonly<Record<string, unknown>>;

/** CloudEvents allow no others, and most brokers none that are longer. */
const NAME = /^[a-z0-9]{1,64}$/;
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)$/;

/** What is no extension. */
const OWN = new Set([
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
]);

/**
 * The event of such attributes, without its data.
 *
 * @throws {AppError} invalid, with the attribute that is missing or not as CloudEvents have it
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes
 */
export function eventOf(attributes: Attributes): Omit<IncomingEvent, "data"> {
  const { specversion } = attributes;
  if (specversion !== "1.0") {
    throw faulty("specversion", `is ${shown(specversion)}; only CloudEvents 1.0 are taken`);
  }
  const optional = (name: string, most: number) =>
    isAbsent(attributes[name]) ? {} : { [name]: textOf(attributes, name, most) };
  return {
    id: textOf(attributes, "id", MOST.id),
    source: textOf(attributes, "source", MOST.source),
    type: textOf(attributes, "type", MOST.type),
    ...optional("subject", MOST.subject),
    ...(isAbsent(attributes["time"]) ? {} : { time: timeOf(attributes) }),
    ...optional("datacontenttype", VALUE_BYTES),
    ...optional("dataschema", VALUE_BYTES),
    extensions: extensionsOf(attributes),
  };
}

function extensionsOf(attributes: Attributes): IncomingEvent["extensions"] {
  const given = Object.entries(attributes).filter(([name, value]) => {
    return !OWN.has(name) && !isAbsent(value);
  });
  if (given.length > MOST.extensions) {
    throw faulty("extensions", `are ${given.length}; at most ${MOST.extensions} are taken`);
  }
  return Object.fromEntries(
    given.map(([name, value]) => {
      if (!NAME.test(name)) {
        throw faulty(name.slice(0, 80), "is no attribute's name: those have a-z and 0-9 alone");
      }
      if (typeof value === "boolean") return [name, value];
      if (typeof value === "number" && Number.isSafeInteger(value)) return [name, value];
      return [name, textOf(attributes, name, VALUE_BYTES)];
    }),
  );
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

function textOf(attributes: Attributes, name: string, most: number): string {
  const value = attributes[name];
  if (isAbsent(value) || value === "") throw faulty(name, "is missing; each event has one");
  if (typeof value !== "string") throw faulty(name, `is ${shown(value)}, and must be a string`);
  const bytes = Buffer.byteLength(value);
  if (bytes > most) throw faulty(name, `has ${bytes} bytes; at most ${most} are taken`);
  if (/[\p{Cc}\p{Cs}]/u.test(value)) throw faulty(name, "has control characters or half a pair");
  return value;
}

function timeOf(attributes: Attributes): string {
  const time = textOf(attributes, "time", 64);
  if (TIME.test(time) && !Number.isNaN(Date.parse(time))) return time;
  throw faulty("time", `is ${shown(time)}, and must be as 2026-01-31T08:30:00Z`);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? "missing").slice(0, 80);

/** The refusal of an event for one of its parts. */
export function faulty(part: string, fault: string, cause?: unknown): AppError {
  const faults = [{ pointer: `/${part}`, detail: fault }];
  return new AppError("invalid", { detail: `the event's ${part} ${fault}`, faults, cause });
}

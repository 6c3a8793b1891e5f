import { createRequire } from "node:module";

/** A node of the JSON form of a proto definition, as Google's clients ship it. */
interface ProtoNode {
  nested?: Record<string, ProtoNode>;
  fields?: Record<string, ProtoField>;
  values?: Record<string, number>;
}

interface ProtoField {
  type: string;
  rule?: string;
  keyType?: string;
  options?: Record<string, unknown>;
}

type Json = string | number | boolean | Json[] | { [key: string]: Json };

const ROOT = createRequire(import.meta.url)(
  "@google-cloud/cloudbuild/build/protos/protos.json",
) as ProtoNode;

const PACKAGE = "google.devtools.cloudbuild.v1";

/** The proto3 JSON text of a Build, as Google publishes it. */
export function buildToJson(build: object): string {
  return JSON.stringify(toProtoJson(`${PACKAGE}.Build`, build));
}

/**
 * The proto3 JSON form of a decoded message: enums by name, durations as `3600s`, timestamps as RFC
 * 3339, int64 as strings, bytes as base64; defaults are left out, set messages are kept even when
 * empty.
 *
 * @param typeName e.g. `google.devtools.cloudbuild.v1.Build`
 * @see https://protobuf.dev/programming-guides/json/
 */
export function toProtoJson(typeName: string, message: object): Json {
  if (typeName === "google.protobuf.Timestamp") return timestampText(message);
  if (typeName === "google.protobuf.Duration") return durationText(message);
  const json: Record<string, Json> = {};
  for (const [name, field] of Object.entries(find(typeName)?.fields ?? {})) {
    const value = (message as Record<string, unknown>)[name];
    if (value === undefined || value === null) continue;
    const converted = fieldJson(field, value, typeName);
    if (converted !== undefined) json[name] = converted;
  }
  return json;
}

function fieldJson(field: ProtoField, value: unknown, scope: string): Json | undefined {
  const type = resolve(field.type, scope);
  if (field.keyType !== undefined) {
    const entries = Object.entries(value as object);
    if (entries.length === 0) return undefined;
    return Object.fromEntries(entries.map(([key, item]) => [key, valueJson(type, item)]));
  }
  if (field.rule === "repeated") {
    const items = value as unknown[];
    return items.length === 0 ? undefined : items.map((item) => valueJson(type, item));
  }
  const isOptional = field.options?.["proto3_optional"] === true;
  return isOptional || !isDefault(type, value) ? valueJson(type, value) : undefined;
}

function isDefault(type: string, value: unknown): boolean {
  const values = find(type)?.values;
  if (values !== undefined) return value === 0 || values[String(value)] === 0;
  if (typeof value === "object" && !Buffer.isBuffer(value)) return false;
  if (Buffer.isBuffer(value)) return value.length === 0;
  return value === "" || value === false || Number(value) === 0;
}

function valueJson(type: string, value: unknown): Json {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (typeof value === "object" && value !== null) return toProtoJson(type, value);
  if (type === "int64" || type === "uint64") return String(value);
  return value as Json;
}

function find(typeName: string): ProtoNode | undefined {
  let node: ProtoNode | undefined = ROOT;
  for (const part of typeName.split(".")) node = node?.nested?.[part];
  return node;
}

/** A type's full name as seen from `scope`, from the inside out; a scalar stays what it is. */
function resolve(type: string, scope: string): string {
  const parts = scope.split(".");
  for (let length = parts.length; length > 0; length--) {
    const candidate = [...parts.slice(0, length), type].join(".");
    if (find(candidate) !== undefined) return candidate;
  }
  return type;
}

interface SecondsAndNanos {
  seconds?: string | number;
  nanos?: number;
}

function timestampText({ seconds = 0, nanos = 0 }: SecondsAndNanos): string {
  const second = new Date(Number(seconds) * 1000).toISOString().slice(0, -".000Z".length);
  return `${second}${fractionText(nanos)}Z`;
}

function durationText({ seconds = 0, nanos = 0 }: SecondsAndNanos): string {
  const sign = Number(seconds) < 0 || nanos < 0 ? "-" : "";
  return `${sign}${Math.abs(Number(seconds))}${fractionText(Math.abs(nanos))}s`;
}

/** `.123`, `.123456` or `.123456789`; nothing for whole seconds. */
function fractionText(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  return `.${digits.replace(/(?:000){1,2}$/, "")}`;
}

import type { JsonSchema } from "../../../shared/api/openapi/types.ts";
import { type Html, html, prose } from "./html.ts";

/** Name of the component that a reference leads to. */
export const lastPart = (ref: unknown): string => String(ref).split("/").at(-1) ?? "";

const schemaOf = (value: unknown): JsonSchema => (value ?? {}) as JsonSchema;
const schemasOf = (value: unknown): JsonSchema[] => (value ?? []) as JsonSchema[];
const joined = (parts: Html[], separator: string): Html =>
  html`${parts.map((part, i) => [i > 0 && separator, part])}`;

/** A schema's fields and what is inside of them; for others than objects the type. */
export function schemaView(schema: JsonSchema): Html {
  const inside = fieldsIn(schema);
  return inside ?? html`<p class="type">${typeView(schema)}</p>`;
}

/** What kind of value a schema describes, in a few words. */
export function typeView(schema: JsonSchema): Html {
  const { $ref, anyOf, enum: members, type } = schema;
  if ($ref !== undefined) return html`<a href="#schema-${lastPart($ref)}">${lastPart($ref)}</a>`;
  if (anyOf !== undefined) return joined(schemasOf(anyOf).map(branchView), " or ");
  if (members !== undefined) return joined((members as unknown[]).map(literal), " | ");
  if ("const" in schema) return literal(schema["const"]);
  if (type === "array") return html`list of ${typeView(schemaOf(schema["items"]))}`;
  if (type === "object") return objectType(schema);
  return html`${(type as string | undefined) ?? "anything"}`;
}

/**
 * One of several kinds of value: told apart from the others by what it is for, or by what is in it.
 */
function branchView(schema: JsonSchema): Html {
  const { type, title, properties, "x-form": form } = schema;
  const shape = properties === undefined ? undefined : shapeOf(schema);
  if (shape !== undefined && title !== undefined) return html`${shape} (${String(title)})`;
  if (shape !== undefined) return shape;
  if (type === "string" && form !== undefined) return html`string (${String(form)})`;
  return typeView(schema);
}

const SHOWN_NAMES = 6;

/** `{"type": "stdio", command, args?}` */
function shapeOf({ properties, required = [] }: JsonSchema): Html {
  const names = Object.entries(schemaOf(properties)).map(([name, value]) => {
    if ("const" in schemaOf(value)) return `${name}: ${JSON.stringify(schemaOf(value)["const"])}`;
    return (required as string[]).includes(name) ? name : `${name}?`;
  });
  const more = names.length > SHOWN_NAMES ? ", …" : "";
  return html`<code>{${names.slice(0, SHOWN_NAMES).join(", ")}${more}}</code>`;
}

function objectType({ patternProperties, properties }: JsonSchema): Html {
  const [value] = Object.values(schemaOf(patternProperties));
  if (properties !== undefined || value === undefined) return html`object`;
  return html`map of ${typeView(schemaOf(value))}`;
}

const literal = (value: unknown): Html => html`<code>${JSON.stringify(value)}</code>`;

/**
 * The fields of an object, or of the objects in a list, map or union; a union has several lists of
 * them.
 */
function fieldsIn(schema: JsonSchema): Html | undefined {
  const { properties, patternProperties, items, anyOf } = schema;
  if (properties !== undefined) return fields(schema);
  const within = [
    ...(items === undefined ? [] : [schemaOf(items)]),
    ...Object.values(schemaOf(patternProperties)).map(schemaOf),
    ...schemasOf(anyOf),
  ];
  const lists = within.map(fieldsIn).filter((list) => list !== undefined);
  return lists.length === 0 ? undefined : joined(lists, "or");
}

function fields({ properties, required = [] }: JsonSchema): Html {
  const rows = Object.entries(schemaOf(properties)).map(([name, value]) =>
    field({ name, schema: schemaOf(value), required: (required as string[]).includes(name) }),
  );
  return html`<dl>${rows}</dl>`;
}

/** One field or parameter: name, type, bounds, what it is for, and what is inside of it. */
export function field({
  name,
  schema,
  required,
  description = schema["description"] as string | undefined,
}: {
  name: string;
  schema: JsonSchema;
  required: boolean;
  description?: string | undefined;
}): Html {
  return html`
<dt><code>${name}</code> <span class="type">${typeView(schema)}</span>${!required && html` <span class="note">optional</span>`}</dt>
<dd>${description && html`<p>${prose(description)}</p>`}${bounds(schema)}${fieldsIn(schema)}</dd>`;
}

const BOUNDS: Readonly<Record<string, string>> = {
  format: "format",
  minimum: "at least",
  exclusiveMinimum: "more than",
  maximum: "at most",
  minLength: "characters at least",
  maxLength: "characters at most",
  maxItems: "items at most",
  maxProperties: "entries at most",
  pattern: "pattern",
};

function bounds(schema: JsonSchema): Html | undefined {
  const { "x-form": form, "x-names": names, "x-example": name, examples } = schema;
  const known = Object.entries(BOUNDS).filter(([keyword]) => {
    // What a pattern means is said in words where there are some.
    return keyword in schema && !(keyword === "pattern" && form !== undefined);
  });
  const [example = name] = (examples as unknown[] | undefined) ?? [];
  const shown = [
    ...(form === undefined ? [] : [html`${String(form)}`]),
    ...(names === undefined ? [] : [html`names of ${String(names)}`]),
    ...known.map(([keyword, words]) => html`${words} <code>${String(schema[keyword])}</code>`),
    ...(example === undefined ? [] : [html`such as ${literal(example)}`]),
  ];
  return shown.length === 0 ? undefined : html`<p class="note">${joined(shown, ", ")}</p>`;
}

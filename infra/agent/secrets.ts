/** Hides secret values in what leaves the runner for people to read. */
export interface Hiding {
  /** Each secret in `text` becomes `***`. */
  text(text: string): string;
  /**
   * The same in the texts of a line of Claude Code's stream-json, which stays what it is to a
   * reader.
   */
  line(line: string): string;
  /** Hides more. */
  add(secrets: readonly string[]): void;
}

const HIDDEN = "***";
/** A shorter value is no secret, and hiding it would make any text unreadable. */
const MIN_LENGTH = 4;
/** The shortest line of a value of several lines that is hidden by itself. */
const MIN_LINE_LENGTH = 8;
/** Fields of Claude Code's own, by which lines are understood. */
const OWN_FIELDS = new Set([
  "id",
  "model",
  "name",
  "parent_tool_use_id",
  "permissionMode",
  "role",
  "session_id",
  "stop_reason",
  "subtype",
  "terminal_reason",
  "tool_name",
  "tool_use_id",
  "type",
  "uuid",
]);

/**
 * Hides `secrets`: as they are, as they look inside JSON and in an address, and of one with several
 * lines each line. It finds what is shown by accident; an agent that wants to show a secret can
 * always spell it in another way.
 */
export function hiding(secrets: readonly string[]): Hiding {
  let forms: string[] = [];
  const add = (more: readonly string[]): void => {
    forms = [...new Set([...forms, ...more.flatMap(formsOf)])].sort((a, b) => b.length - a.length);
  };
  add(secrets);
  const text = (plain: string): string =>
    forms.reduce(
      (rest, form) => (rest.includes(form) ? rest.replaceAll(form, HIDDEN) : rest),
      plain,
    );
  return {
    add,
    text,
    line(line) {
      if (!forms.some((form) => line.includes(form))) return line;
      try {
        return JSON.stringify(hideIn(JSON.parse(line), text, true));
      } catch {
        return text(line);
      }
    },
  };
}

function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/);
  const parts = lines.length > 1 ? lines.filter(({ length }) => length >= MIN_LINE_LENGTH) : [];
  return [secret.trim(), ...parts]
    .filter(({ length }) => length >= MIN_LENGTH)
    .flatMap((form) => [form, inJson(form), inJson(inJson(form)), inAddress(form)]);
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

const inAddress = (text: string): string => encodeURIComponent(text.toWellFormed());

/**
 * `isOwn`: the value is one of Claude Code's own objects, not something that a tool or the model
 * wrote.
 */
function hideIn(value: unknown, hide: Hiding["text"], isOwn: boolean): unknown {
  if (typeof value === "string") return hide(value);
  if (Array.isArray(value)) return value.map((item) => hideIn(item, hide, isOwn));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (isOwn && OWN_FIELDS.has(name)) return [name, field];
      return [name, hideIn(field, hide, isOwn && (name === "message" || name === "content"))];
    }),
  );
}

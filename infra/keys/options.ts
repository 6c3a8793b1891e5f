import { parseArgs } from "node:util";
import { SCOPES, type Scope } from "../../shared/api/operation.ts";
import { expiryOf, KEY_LIMITS } from "../../shared/documents/key.ts";

export const HELP = `Makes, lists and revokes the keys of the API.

  npm run -s keys -- create --name NAME [--owner OWNER] [--scope SCOPE] [--expires WHEN]
  npm run -s keys -- list
  npm run -s keys -- revoke ID

  create   makes a key and shows it, this once, alone on standard output
  list     says what keys there are; none can be shown again
  revoke   ends a key for good; it may work for another minute where it was used just now

  --name NAME        what the key is for, at most ${KEY_LIMITS.nameLength} characters
  --owner OWNER      whose runs and agents it reaches (default local; to be said with --project); to share them with
                     somebody who signs in, the uid of Firebase or google:SUB
  --scope SCOPE      ${SCOPES.join(", ")} (default run); run includes read, admin both
  --expires WHEN     90d, 12h, 30m, or an instant as 2027-01-31T12:00:00Z (default: never)
  --state DIR        state directory of a local server, which must run (default .runyard)
  --project PROJECT  the keys of this project of Google Cloud instead, with your own credentials
  --help             this text

Exit status: 0 if it was done, 1 if not.`;

const OPTIONS = {
  name: { type: "string" },
  owner: { type: "string" },
  scope: { type: "string" },
  expires: { type: "string" },
  state: { type: "string" },
  project: { type: "string" },
  help: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parseOptions>["values"];

const parseOptions = (args: string[]) =>
  parseArgs({ args, options: OPTIONS, allowPositionals: true });

/** The options of each command, beside those that say where the keys are. */
const OWN_OPTIONS = {
  create: ["name", "owner", "scope", "expires"],
  list: [],
  revoke: [],
} as const satisfies Record<string, readonly (keyof Values)[]>;
type CommandName = keyof typeof OWN_OPTIONS;

/** Where the keys are: in the state of a local server, or in a project. */
export type Place = { directory: string } | { projectId: string };

/** What a key is to be made with. */
export interface KeyOrder {
  name: string;
  owner: string;
  scopes: Scope[];
  expiresAt: Date | null;
}

/** What the command line asks for. */
export type Command =
  | { name: "help" }
  | { name: "list"; place: Place }
  | { name: "revoke"; place: Place; id: string }
  | { name: "create"; place: Place; order: KeyOrder };

/**
 * Reads the command line.
 *
 * @throws {Error} that names the argument that is wrong
 */
export function parseCommand(args: string[], now: Date): Command {
  const { values, positionals } = parseOptions(args);
  if (values.help) return { name: "help" };
  const [name = "", ...rest] = positionals;
  if (!isCommand(name)) {
    const given = name === "" ? "no command is given" : `the command ${name} is not known`;
    throw new Error(`${given}; use create, list or revoke (--help says more)`);
  }
  refuseForeignOptions(name, values);
  const place = placeOf(values);
  const [id, ...surplus] = name === "revoke" ? rest : [undefined, ...rest];
  if (surplus[0] !== undefined)
    throw new Error(`${name} does not know what to do with ${surplus[0]}`);
  if (name === "list") return { name, place };
  if (name === "create") return { name, place, order: orderOf(values, now) };
  if (!id) throw new Error("revoke needs the id of a key; list shows them");
  return { name, place, id };
}

function isCommand(text: string): text is CommandName {
  return Object.hasOwn(OWN_OPTIONS, text);
}

function refuseForeignOptions(name: CommandName, values: Values): void {
  const own: readonly string[] = [...OWN_OPTIONS[name], "state", "project"];
  const foreign = Object.keys(values).find((option) => !own.includes(option));
  if (foreign !== undefined) throw new Error(`${name} has no option --${foreign}`);
}

function placeOf({ state, project }: Values): Place {
  if (project === undefined) return { directory: state || ".runyard" };
  if (state !== undefined) throw new Error("--state and --project: say one of them");
  if (project === "") throw new Error("--project needs the id of a project");
  return { projectId: project };
}

function orderOf(values: Values, now: Date): KeyOrder {
  const { name = "", owner = values.project === undefined ? "local" : "", scope = "run" } = values;
  if (!isName(name)) {
    throw new Error(
      `--name must say what the key is for, in 1 to ${KEY_LIMITS.nameLength} characters`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(owner) || owner.length > KEY_LIMITS.ownerLength) {
    const form = `1 to ${KEY_LIMITS.ownerLength} printable characters of ASCII without spaces`;
    throw new Error(`--owner must say whom the key lets in, in ${form}`);
  }
  const expiresAt = values.expires === undefined ? null : expiry(values.expires, now);
  return { name, owner, scopes: scopesOf(scope), expiresAt };
}

function isName(text: string): boolean {
  return text.trim() !== "" && text.length <= KEY_LIMITS.nameLength && !/\p{Cc}/u.test(text);
}

function scopesOf(text: string): Scope[] {
  const given = text.split(",").map((item) => item.trim());
  const unknown = given.find((item) => !(SCOPES as readonly string[]).includes(item));
  if (unknown === undefined) return SCOPES.filter((scope) => given.includes(scope));
  throw new Error(`--scope: ${unknown || "nothing"} is no scope; use ${SCOPES.join(", ")}`);
}

function expiry(text: string, now: Date): Date {
  try {
    return expiryOf(text, now);
  } catch (error) {
    throw new Error(`--expires: ${(error as Error).message}`, { cause: error });
  }
}

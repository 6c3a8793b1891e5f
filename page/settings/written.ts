import type { AgentSettings } from "../../shared/agent/settings.ts";
import { writtenSeconds } from "../words/time.ts";

/** How a setting is written. Lines: one entry a line. Time: 20 min. Choice: one of a few words. */
type Kind = "text" | "long" | "lines" | "amount" | "count" | "time" | "choice";

interface FieldKind {
  label: string;
  hint: string;
  kind: Kind;
  choices?: readonly string[];
}

/** The fields in which settings are written; what none of them can hold is written in `other`. */
export const FIELDS = {
  model: { label: "Model", hint: "Empty: the engine’s own.", kind: "text" },
  url: { label: "Repository", hint: "https://…; empty: none.", kind: "text" },
  ref: { label: "Ref", hint: "Empty: its HEAD.", kind: "text" },
  credential: {
    label: "Repository’s credential",
    hint: "Of a private one: projects/P/secrets/S/versions/latest, or github-app.",
    kind: "text",
  },
  opened: {
    label: "Submodules that it opens",
    hint: "One a line, on its host: https://…, or https://…/*.",
    kind: "lines",
  },
  paths: {
    label: "Repository’s folders",
    hint: "One a line: apps/web. Empty: all.",
    kind: "lines",
  },
  parts: {
    label: "Repository with",
    hint: "Fetched besides its files.",
    kind: "choice",
    choices: ["submodules", "lfs", "submodules and lfs"],
  },
  maxBudgetUsd: { label: "Spend at most, in USD", hint: "Empty: 5.", kind: "amount" },
  timeoutSeconds: { label: "Work at most", hint: "Empty: 5 min.", kind: "time" },
  effort: {
    label: "Effort",
    hint: "How much the model thinks.",
    kind: "choice",
    choices: ["low", "medium", "high", "xhigh", "max"],
  },
  maxTurns: { label: "Turns at most", hint: "Empty: 100.", kind: "count" },
  instructions: { label: "Instructions", hint: "Appended to the system prompt.", kind: "long" },
  permissionMode: {
    label: "Permission mode",
    hint: "What is asked about is denied: nobody is there.",
    kind: "choice",
    choices: ["bypassPermissions", "acceptEdits", "dontAsk", "manual", "plan"],
  },
  machineType: {
    label: "Machine",
    hint: "Of Cloud Build.",
    kind: "choice",
    choices: ["E2_MEDIUM", "E2_STANDARD_2", "E2_HIGHCPU_8", "E2_HIGHCPU_32"],
  },
  tools: { label: "Tools", hint: "One a line. Empty: all; “none”: none.", kind: "lines" },
  allowedTools: { label: "Allowed tools", hint: "A rule a line: Bash(git log:*).", kind: "lines" },
  disallowedTools: { label: "Denied tools", hint: "A rule a line.", kind: "lines" },
  setupCommands: { label: "Setup commands", hint: "One a line, before the agent.", kind: "lines" },
  allowedHosts: { label: "Hosts", hint: "One a line that may be reached.", kind: "lines" },
  other: {
    label: "Other settings, as JSON",
    hint: "repositories, checks, onFailure, artifacts, fallbackModels, mcpServers, environment, outputSchema.",
    kind: "long",
  },
} as const satisfies Record<string, FieldKind>;

export type FieldName = keyof typeof FIELDS;
const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

/** Settings as they are written; empty: the default. */
export type Written = Record<FieldName, string>;
export type Faults<Name extends string = FieldName> = Partial<Record<Name, string>>;

export const NOTHING_WRITTEN = Object.fromEntries(FIELD_NAMES.map((name) => [name, ""])) as Written;

const NONE = "none";
const OF_REPOSITORY = ["url", "ref", "credential", "opened", "paths", "parts"] as const;
const PLACED: readonly FieldName[] = [...OF_REPOSITORY, "other"];
/** Settings of a repository that are chosen in `parts`. */
const PARTS = ["submodules", "lfs"] as const;

/** Settings in their fields. */
export function writtenOf(settings: AgentSettings): Written {
  const { repository, ...rest } = settings;
  const written = { ...NOTHING_WRITTEN, ...writtenRepository(repository) };
  const other: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) {
    const isField = name in FIELDS && !PLACED.includes(name as FieldName);
    const text = isField ? textOf(name as FieldName, value) : undefined;
    if (text === undefined) other[name] = value;
    else written[name as FieldName] = text;
  }
  if (Object.keys(other).length > 0) written.other = JSON.stringify(other, null, 2);
  return written;
}

function writtenRepository(
  repository: AgentSettings["repository"],
): Pick<Written, (typeof OF_REPOSITORY)[number]> {
  const { url = "", ref = "", credential, paths = [] } = repository ?? {};
  const parts = PARTS.filter((part) => repository?.[part]).join(" and ");
  return { url, ref, ...writtenCredential(credential), paths: paths.join("\n"), parts };
}

type Credential = NonNullable<NonNullable<AgentSettings["repository"]>["credential"]>;

/** How the credential is written that is no secret. */
const GITHUB_APP = "github-app";

function writtenCredential(
  credential: Credential | undefined,
): Pick<Written, "credential" | "opened"> {
  if (credential === undefined) return { credential: "", opened: "" };
  if ("githubApp" in credential) return { credential: GITHUB_APP, opened: "" };
  const { secret, submodules = [] } = credential;
  return { credential: secret, opened: submodules.join("\n") };
}

function credentialOf({ credential, opened }: Written): Credential {
  const secret = credential.trim();
  if (secret === GITHUB_APP) return { githubApp: true };
  const submodules = linesOf("opened", opened);
  return { secret, ...(submodules.length > 0 && { submodules }) };
}

/** A setting as its field has it; undefined: the field cannot hold it. */
function textOf(name: FieldName, value: unknown): string | undefined {
  const { kind } = FIELDS[name];
  if (kind === "lines") {
    const lines = value as string[];
    if (lines.length === 0) return name === "tools" ? NONE : "";
    const isPlain = lines.every((line) => line.trim() === line && !line.includes("\n"));
    return isPlain ? lines.join("\n") : undefined;
  }
  if (kind === "time") return timeText(Number(value));
  return String(value);
}

function timeText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/** What is written, as settings. Call only if {@link faultsOf} finds nothing. */
export function settingsOf(written: Written): AgentSettings {
  const settings: Record<string, unknown> = written.other === "" ? {} : JSON.parse(written.other);
  for (const name of FIELD_NAMES) {
    const text = written[name];
    if (!PLACED.includes(name) && text.trim() !== "") settings[name] = settingOf(name, text);
  }
  const repository = repositoryOf(written);
  return { ...(settings as AgentSettings), ...(repository && { repository }) };
}

function repositoryOf(written: Written): AgentSettings["repository"] {
  const [url, ref, opener] = [written.url.trim(), written.ref.trim(), written.credential.trim()];
  if (url === "") return undefined;
  return {
    url,
    ...(ref !== "" && { ref }),
    ...(opener !== "" && { credential: credentialOf(written) }),
    ...(written.paths.trim() !== "" && { paths: linesOf("paths", written.paths) }),
    ...Object.fromEntries(
      written.parts.split(" and ").flatMap((part) => (part ? [[part, true]] : [])),
    ),
  };
}

function settingOf(name: FieldName, text: string): unknown {
  const { kind } = FIELDS[name];
  if (kind === "lines") return linesOf(name, text);
  if (kind === "amount") return Number(text.replace("$", ""));
  if (kind === "count") return Number(text);
  if (kind === "time") return writtenSeconds(text);
  return kind === "long" ? text : text.trim();
}

function linesOf(name: FieldName, text: string): string[] {
  if (name === "tools" && text.trim() === NONE) return [];
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Faults of what is written, by field; the API says the others. */
export function faultsOf(written: Written): Faults {
  const faults: Faults = {};
  const { maxBudgetUsd, timeoutSeconds, maxTurns, other } = written;
  if (maxBudgetUsd !== "" && !(Number(maxBudgetUsd.replace("$", "")) > 0)) {
    faults.maxBudgetUsd = "Write an amount like 5 or 0.50.";
  }
  if (timeoutSeconds !== "" && writtenSeconds(timeoutSeconds) === undefined) {
    faults.timeoutSeconds = "Write a time like 20 min or 1 h 30 min.";
  }
  if (maxTurns !== "" && !(Number.isInteger(Number(maxTurns)) && Number(maxTurns) > 0)) {
    faults.maxTurns = "Write a whole number like 100.";
  }
  if (written.url.trim() === "") Object.assign(faults, faultsWithoutRepository(written));
  const isSecret = !["", GITHUB_APP].includes(written.credential.trim());
  if (written.opened.trim() !== "" && !isSecret) {
    faults.opened = "Only a credential that is a secret opens submodules.";
  }
  if (other !== "" && !isObjectText(other)) faults.other = "Write a JSON object.";
  return faults;
}

function faultsWithoutRepository({ ref, paths, parts, credential }: Written): Faults {
  return {
    ...(ref.trim() !== "" && { ref: "A ref needs a repository." }),
    ...(paths.trim() !== "" && { paths: "Folders need a repository." }),
    ...(parts !== "" && { parts: "That needs a repository." }),
    ...(credential.trim() !== "" && { credential: "A credential needs a repository." }),
  };
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

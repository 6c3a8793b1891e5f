import { signal } from "@preact/signals";
import type { CreateRun, DryRun, Overrides, Run, RunRequest } from "../../client/types.ts";
import type { AgentSettings } from "../../shared/agent/settings.ts";
import { said } from "../parts/said.ts";
import { api } from "../session.ts";
import { type Difference, differences, isSame } from "../settings/difference.ts";
import { labelsOf, labelsText, wrongLabels } from "../settings/labels.ts";
import {
  type Faults,
  type FieldName,
  faultsOf as faultsOfSettings,
  NOTHING_WRITTEN,
  settingsOf,
  type Written,
  writtenOf,
} from "../settings/written.ts";
import { writtenSeconds } from "../words/time.ts";

/** What a sheet is for: a new run, one that exists with changes, or going on with a stopped one. */
export type Purpose = { kind: "new"; agent?: string } | { kind: "rerun" | "continue"; run: Run };

/** What is written in the sheet's fields, as it is written. */
export type Draft = Written & { prompt: string; agent: string; labels: string };

const EMPTY: Draft = { ...NOTHING_WRITTEN, prompt: "", agent: "", labels: "" };

const STORED = "runyard.draft";

/** What the sheet is open for; null: it is closed. */
export const purpose = signal<Purpose | null>(null);
export const draft = signal<Draft>(EMPTY);
/** The request that the sheet began with; null: it began with nothing. */
let before: RunRequest | null = null;

/** Opens the sheet. One that repeats a run begins with that run's request. */
export async function compose(wanted: Purpose): Promise<void> {
  if (wanted.kind === "new") {
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
    before = null;
    draft.value = { ...EMPTY, ...stored, ...(wanted.agent && { agent: wanted.agent }) };
    purpose.value = wanted;
    return;
  }
  const request = await said(api().runs.request(wanted.run.id), undefined);
  if (request === undefined) return;
  before = request;
  draft.value = raised(draftOf(request), wanted);
  purpose.value = wanted;
}

/** Takes down what is written: a new run's survives closing. */
export function write(changed: Partial<Draft>): void {
  draft.value = { ...draft.value, ...changed };
  if (purpose.value?.kind === "new") sessionStorage.setItem(STORED, JSON.stringify(draft.value));
}

export function forget(): void {
  draft.value = EMPTY;
  sessionStorage.removeItem(STORED);
}

/** A run's request in the sheet's fields. */
const draftOf = ({ prompt, settings, labels }: RunRequest): Draft => ({
  ...EMPTY,
  ...writtenOf(settings),
  prompt,
  labels: labelsText(labels),
});

/** The same with twice of what ended the run, where it goes on; it goes on without a word. */
function raised(written: Draft, { kind, run }: Extract<Purpose, { run: Run }>): Draft {
  if (kind === "rerun") return written;
  const { maxBudgetUsd, timeoutSeconds, maxTurns } = written;
  const outcome = run.verdict?.outcome;
  const seconds = 2 * (writtenSeconds(timeoutSeconds) ?? 0);
  return {
    ...written,
    prompt: "",
    ...(outcome === "budget_exhausted" && { maxBudgetUsd: String(2 * Number(maxBudgetUsd)) }),
    ...(outcome === "timed_out" && { timeoutSeconds: `${seconds} s` }),
    ...(outcome === "max_turns" && { maxTurns: String(2 * Number(maxTurns)) }),
  };
}

/** Faults of what is written, by field; the API says the others. */
export function faultsOf(written: Draft, kind: Purpose["kind"]): Faults<keyof Draft> {
  const faults: Faults<keyof Draft> = written.agent === "" ? faultsOfSettings(written) : {};
  if (kind !== "continue" && written.prompt.trim() === "")
    faults.prompt = "Say what shall be done.";
  const wrong = wrongLabels(written.labels);
  if (wrong !== undefined) faults.labels = wrong;
  if (Object.keys(faults).length > 0) return faults;
  if (kind === "continue") {
    const kept = "Going on keeps what there was: it cannot be empty.";
    for (const name of cleared(written)) faults[name] = kept;
  } else if (kind === "rerun" && (before?.files ?? []).length > 0) {
    // A run of its own would have to send the files, which are not here.
    const kept = "A rerun with files keeps what there was: it cannot be empty.";
    for (const name of cleared(written)) faults[name] = kept;
    if (isUnlabelled(written)) faults.labels = kept;
  }
  return faults;
}

/** Lists that say the same when they are empty as when they are not there. */
const LISTS: readonly string[] = [
  "allowedHosts",
  "allowedTools",
  "disallowedTools",
  "setupCommands",
];

/** Settings that the run had and that are written no more. */
function removedNames(written: Draft): string[] {
  const settings: object = withLists(written);
  return Object.keys(before?.settings ?? {}).filter((name) => !(name in settings));
}

/** The fields in which they stood. */
function cleared(written: Draft): FieldName[] {
  const known = new Set(Object.keys(NOTHING_WRITTEN));
  return removedNames(written).map((name) => {
    if (name === "repository") return "url";
    return known.has(name) ? (name as FieldName) : "other";
  });
}

/**
 * What differs from the run that the sheet began with. Call only if {@link faultsOf} finds nothing.
 */
export function changesOf(written: Draft): Difference[] {
  if (before === null) return [];
  const { prompt, labels } = before;
  const words = written.prompt.trim() === "" ? prompt : written.prompt;
  return [
    ...differences(
      { prompt, labels } as object,
      {
        prompt: words,
        labels: labelsOf(written.labels),
      } as object,
    ),
    ...differences(before.settings, withLists(written)),
  ];
}

/** The settings that are written; a list that was there and is no more is an empty one. */
function withLists(written: Draft): AgentSettings {
  const names = Object.keys(before?.settings ?? {}).filter((name) => LISTS.includes(name));
  return { ...Object.fromEntries(names.map((name) => [name, []])), ...settingsOf(written) };
}

/** The body of `POST /v1/runs`. */
function bodyOf(written: Draft): CreateRun {
  const { prompt, agent, labels } = written;
  const choice = agent === "" ? { settings: settingsOf(written) } : agent;
  return { prompt, agent: choice, labels: labelsOf(labels) };
}

/** What shall differ: a run that keeps its settings keeps its agent. */
function overridesOf(written: Draft): Overrides {
  const { prompt } = written;
  const isSaid = prompt.trim() !== "" && prompt !== before?.prompt;
  const old: Readonly<Record<string, unknown>> = before?.settings ?? {};
  const changed = Object.entries(withLists(written)).filter(
    ([name, value]) => !isSame(old[name], value),
  );
  const labels = labelsOf(written.labels);
  return {
    ...(isSaid && { prompt }),
    ...(changed.length > 0 && { settings: Object.fromEntries(changed) }),
    ...(!isSame(labels, before?.labels) && { labels }),
  };
}

/** Whether a rerun leaves out something that it would keep: it is then a run of its own. */
export function isOfItsOwn({ kind }: Purpose, written: Draft): boolean {
  if (kind !== "rerun") return false;
  return isUnlabelled(written) || removedNames(written).length > 0;
}

/** Whether a label that the run had is written no more. */
function isUnlabelled(written: Draft): boolean {
  const labels = labelsOf(written.labels);
  return Object.keys(before?.labels ?? {}).some((name) => !(name in labels));
}

/** Has what is written accepted, once, however often it is sent with the same key. */
export function send(wanted: Purpose, written: Draft, idempotencyKey: string): Promise<Run> {
  const { runs } = api();
  const once = { idempotencyKey };
  if (wanted.kind === "new" || isOfItsOwn(wanted, written))
    return runs.create(bodyOf(written), once);
  return runs[wanted.kind](wanted.run.id, overridesOf(written), once);
}

/** What it would come to, were it a new run. */
export const tryOut = (written: Draft, signal: AbortSignal): Promise<DryRun> =>
  api().runs.dryRun(bodyOf({ ...written, prompt: written.prompt || (before?.prompt ?? "") }), {
    signal,
  });

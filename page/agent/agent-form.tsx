import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ProblemError } from "../../client/problem-error.ts";
import type { Agent, CreateAgent } from "../../client/types.ts";
import { go, hrefOf } from "../address.ts";
import { loadAgents } from "../agents.ts";
import { Crumb } from "../parts/crumb.tsx";
import { say } from "../parts/toast.tsx";
import { api, endedSession, faultOf } from "../session.ts";
import { differences, mergePatchOf } from "../settings/difference.ts";
import { labelsOf, labelsText, wrongLabels } from "../settings/labels.ts";
import { SettingsDifference } from "../settings/settings-difference.tsx";
import { FirstFields, MoreFields, SettingField } from "../settings/settings-fields.tsx";
import {
  type Faults,
  type FieldName,
  faultsOf,
  NOTHING_WRITTEN,
  settingsOf,
  type Written,
  writtenOf,
} from "../settings/written.ts";
import { shown } from "../words/shown.ts";
import { contentOf } from "./content.ts";

type Form = Written & { name: string; labels: string };

function formOf(agent: Agent | null): Form {
  if (agent === null) return { ...NOTHING_WRITTEN, name: "", labels: "" };
  const { name, labels, settings } = agent;
  return { ...writtenOf(settings), name, labels: labelsText(labels) };
}

function faultsIn(form: Form): Faults<FieldName | "name" | "labels"> {
  const faults: Faults<FieldName | "name" | "labels"> = faultsOf(form);
  if (form.name.trim() === "") faults.name = "Give it a name.";
  const wrong = wrongLabels(form.labels);
  if (wrong !== undefined) faults.labels = wrong;
  return faults;
}

const contentIn = (form: Form): Required<CreateAgent> => ({
  name: form.name.trim(),
  labels: labelsOf(form.labels),
  settings: settingsOf(form),
});

interface FormProps {
  /** The agent that is changed; null: a new one. */
  agent: Agent | null;
  onSaved?(): Promise<void>;
}

/** What an agent is written in; what a change would change is shown before it is saved. */
export function AgentForm({ agent, onSaved }: FormProps) {
  const form = useMemo(() => signal(formOf(agent)), []);
  const faults = useMemo(() => signal<ReturnType<typeof faultsIn>>({}), []);
  const refusal = useMemo(() => signal<string | null>(null), []);
  const isSaving = useMemo(() => signal(false), []);
  const write = (changed: Partial<Form>) => {
    form.value = { ...form.value, ...changed };
  };
  const save = async () => {
    faults.value = faultsIn(form.value);
    if (isSaving.value || Object.keys(faults.value).length > 0) return;
    isSaving.value = true;
    try {
      await saveAgent(agent, contentIn(form.value), onSaved);
    } catch (error) {
      if (!endedSession(error)) refusal.value = whyOf(error);
    } finally {
      isSaving.value = false;
    }
  };
  const fields = { written: form.value, faults: faults.value, onWrite: write };
  return (
    <main class="page">
      <header class="head">
        <Crumb view="agents" word="Agents">
          {agent === null ? "new" : <code class="cut">{agent.id}</code>}
        </Crumb>
        <h1>{agent === null ? "New agent" : `Change ${shown(agent.name)}`}</h1>
      </header>
      <form
        class="agent-form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <div class="pair">
          <PlainField
            name="name"
            label="Name"
            hint="Runs may call it by this."
            {...{ form, faults }}
          />
          <SettingField name="model" {...fields} />
        </div>
        <FirstFields {...fields} />
        <PlainField
          name="labels"
          label="Labels"
          hint="key:value, with a space between two."
          {...{ form, faults }}
        />
        <MoreFields {...fields} isOpen />
        {agent !== null && <Changes agent={agent} form={form.value} />}
        <p class="bad small" role="alert">
          {refusal.value}
        </p>
        <div class="row">
          <button type="submit" class="button first" disabled={isSaving.value}>
            {agent === null ? "Create" : `Save as v${agent.version + 1}`}
          </button>
          <a class="button" href={hrefOf({ view: "agents", id: agent?.id ?? null })}>
            Leave it
          </a>
        </div>
      </form>
    </main>
  );
}

function whyOf(error: unknown): string {
  const isOld = error instanceof ProblemError && error.code === "precondition_failed";
  if (isOld) return "Somebody else changed it meanwhile: open it again, then change it.";
  const first = error instanceof ProblemError ? error.errors[0] : undefined;
  if (first === undefined) return faultOf(error);
  return `${shown(first.pointer)} ${shown(first.detail)}.`;
}

async function saveAgent(
  agent: Agent | null,
  content: Required<CreateAgent>,
  onSaved: FormProps["onSaved"],
): Promise<void> {
  const saved = await (agent === null
    ? api().agents.create(content)
    : api().agents.patch(agent, mergePatchOf(contentOf(agent), content)));
  await (onSaved ?? loadAgents)();
  say(agent === null ? "Created." : `Saved as v${saved.version}.`);
  go(hrefOf({ view: "agents", id: saved.id, tab: agent === null ? null : "versions" }), {
    replaces: true,
  });
}

interface PlainProps {
  name: "name" | "labels";
  label: string;
  hint: string;
  form: { value: Form };
  faults: { value: ReturnType<typeof faultsIn> };
}

function PlainField({ name, label, hint, form, faults }: PlainProps) {
  const id = `agent-${name}`;
  const fault = faults.value[name];
  return (
    <div class="form">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="field"
        value={form.value[name]}
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-hint`}
        onInput={({ currentTarget }) => {
          form.value = { ...form.value, [name]: currentTarget.value };
        }}
      />
      <span id={`${id}-hint`} class={fault === undefined ? "hint" : "hint bad"}>
        {fault ?? hint}
      </span>
    </div>
  );
}

/** What saving would change. */
function Changes({ agent, form }: { agent: Agent; form: Form }) {
  if (Object.keys(faultsIn(form)).length > 0) return null;
  const { settings, ...rest } = contentIn(form);
  const { settings: old, ...before } = contentOf(agent);
  const all = [...differences(before as object, rest as object), ...differences(old, settings)];
  if (all.length === 0) return <p class="small ink3">Nothing is changed yet.</p>;
  return <SettingsDifference label={`What v${agent.version + 1} changes`} all={all} />;
}

import { agents } from "../agents.ts";
import { SettingsDifference } from "../settings/settings-difference.tsx";
import { FirstFields, MoreFields, SettingField } from "../settings/settings-fields.tsx";
import type { Faults } from "../settings/written.ts";
import { shown } from "../words/shown.ts";
import {
  changesOf,
  type Draft,
  draft,
  faultsOf,
  isOfItsOwn,
  type Purpose,
  write,
} from "./draft.ts";

interface FieldsProps {
  kind: Purpose["kind"];
  faults: Faults<keyof Draft>;
}

/** The fields of the sheet; a stored agent has its settings already. */
export function Fields({ kind, faults }: FieldsProps) {
  const hasAgent = kind === "new" && draft.value.agent !== "";
  const fields = { written: draft.value, faults, onWrite: write };
  return (
    <>
      <Prompt kind={kind} faults={faults} />
      <div class="pair">
        {kind === "new" && <AgentField />}
        {!hasAgent && <SettingField name="model" {...fields} />}
      </div>
      {!hasAgent && <FirstFields {...fields} />}
      <Labels faults={faults} />
      {!hasAgent && <MoreFields {...fields} />}
    </>
  );
}

function Prompt({ kind, faults }: FieldsProps) {
  return (
    <div class="form prompt">
      <label for="write-prompt">
        {kind === "continue" ? "What else? Empty: go on." : "What shall be done?"}
      </label>
      <textarea
        id="write-prompt"
        class="field tall"
        autofocus
        value={draft.value.prompt}
        aria-invalid={faults.prompt !== undefined}
        aria-describedby="write-prompt-hint"
        onInput={({ currentTarget }) => write({ prompt: currentTarget.value })}
      />
      <span id="write-prompt-hint" class="hint bad">
        {faults.prompt}
      </span>
    </div>
  );
}

function Labels({ faults }: { faults: Faults<keyof Draft> }) {
  const fault = faults.labels;
  return (
    <div class="form">
      <label for="write-labels">Labels</label>
      <input
        id="write-labels"
        class="field"
        value={draft.value.labels}
        aria-invalid={fault !== undefined}
        aria-describedby="write-labels-hint"
        onInput={({ currentTarget }) => write({ labels: currentTarget.value })}
      />
      <span id="write-labels-hint" class={fault === undefined ? "hint" : "hint bad"}>
        {fault ?? "key:value, with a space between two."}
      </span>
    </div>
  );
}

function AgentField() {
  return (
    <div class="form">
      <label for="write-agent">Agent</label>
      <select
        id="write-agent"
        class="field"
        value={draft.value.agent}
        onChange={({ currentTarget }) => write({ agent: currentTarget.value })}
      >
        <option value="">none: settings for this run</option>
        {[...agents.value.values()].map(({ id, name, version }) => (
          <option key={id} value={id}>
            {shown(name)} v{version}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What differs from the run that is repeated or goes on. */
export function ChangesToSend({ wanted }: { wanted: Purpose }) {
  const written = draft.value;
  if (wanted.kind === "new" || Object.keys(faultsOf(written, wanted.kind)).length > 0) return null;
  const all = changesOf(written);
  if (all.length === 0) return <p class="small ink3">Nothing differs from the run before.</p>;
  return (
    <div>
      <SettingsDifference label="What changes" all={all} />
      {isOfItsOwn(wanted, written) && (
        <p class="hint">
          A rerun keeps every setting and label: without one of them it is sent as a new run.
        </p>
      )}
    </div>
  );
}

import { shown } from "../words/shown.ts";
import { type Faults, FIELDS, type FieldName, type Written } from "./written.ts";

interface FieldsProps {
  written: Written;
  faults: Faults;
  onWrite(changed: Partial<Written>): void;
}

/** The first fields of settings: what most runs differ by. */
export function FirstFields(props: FieldsProps & { hasModel?: boolean }) {
  return (
    <>
      <div class="pair wide-left">
        <SettingField name="url" {...props} />
        <SettingField name="ref" {...props} />
      </div>
      <div class="pair">
        <SettingField name="maxBudgetUsd" {...props} />
        <SettingField name="timeoutSeconds" {...props} />
      </div>
    </>
  );
}

const MORE: readonly FieldName[] = [
  "effort",
  "maxTurns",
  "permissionMode",
  "machineType",
  "tools",
  "allowedTools",
  "disallowedTools",
  "allowedHosts",
  "credential",
  "opened",
  "parts",
];

/** The other fields, which fold. */
export function MoreFields(props: FieldsProps & { isOpen?: boolean }) {
  const { written, faults, isOpen = false } = props;
  const all: readonly FieldName[] = [...MORE, "instructions", "setupCommands", "other"];
  const set = all.filter((name) => written[name] !== "");
  const isBad = all.some((name) => faults[name] !== undefined);
  return (
    <details class="more-fields" open={isOpen || isBad}>
      <summary>
        {set.length === 0
          ? "More: effort, turns, tools, instructions, setup, checks, hosts, credential, schema"
          : `More; set: ${set.map((name) => FIELDS[name].label.toLowerCase()).join(", ")}`}
      </summary>
      <SettingField name="instructions" {...props} />
      <div class="pair">
        {MORE.map((name) => (
          <SettingField key={name} name={name} {...props} />
        ))}
      </div>
      <SettingField name="setupCommands" {...props} />
      <SettingField name="other" {...props} />
    </details>
  );
}

/** One setting with its label, and its fault where its hint would stand. */
export function SettingField({
  name,
  written,
  faults,
  onWrite,
}: FieldsProps & { name: FieldName }) {
  const { label, hint } = FIELDS[name];
  const id = `write-${name}`;
  const fault = faults[name];
  return (
    <div class="form">
      <label for={id}>{label}</label>
      <Control name={name} id={id} {...{ written, faults, onWrite }} />
      <span id={`${id}-hint`} class={fault === undefined ? "hint" : "hint bad"}>
        {fault ?? hint}
      </span>
    </div>
  );
}

function Control({
  name,
  id,
  written,
  faults,
  onWrite,
}: FieldsProps & { name: FieldName; id: string }) {
  const { kind } = FIELDS[name];
  const common = {
    id,
    class: "field",
    value: written[name],
    "aria-invalid": faults[name] !== undefined,
    "aria-describedby": `${id}-hint`,
  };
  const write = ({ currentTarget }: { currentTarget: { value: string } }) =>
    onWrite({ [name]: currentTarget.value });
  if (kind === "choice") {
    return (
      <select {...common} onChange={write}>
        <option value="">default</option>
        {FIELDS[name].choices.map((choice) => (
          <option key={choice} value={choice}>
            {shown(choice)}
          </option>
        ))}
      </select>
    );
  }
  if (kind === "lines" || kind === "long") {
    const rows = kind === "long" ? 3 : 2;
    return <textarea {...common} class="field lines-field" rows={rows} onInput={write} />;
  }
  return <input {...common} onInput={write} />;
}

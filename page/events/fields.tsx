import { agents } from "../agents.ts";
import { shown } from "../words/shown.ts";
import { askedFields, type Field, type Written } from "./field.ts";

interface FieldsProps {
  fields: readonly Field[];
  written: Written;
  faults: Readonly<Record<string, string>>;
  onWrite(changed: Written): void;
}

/** The fields that are asked for, each with its fault where its hint would stand. */
export const Fields = (props: FieldsProps) => (
  <>
    {askedFields(props.fields, props.written).map((field) => (
      <Place key={field.at} field={field} {...props} />
    ))}
  </>
);

function Place({ field, ...props }: FieldsProps & { field: Field }) {
  const id = `write-${field.at}`;
  const fault = props.faults[field.at];
  const isWide = ["long", "code", "lines", "headers"].includes(field.kind ?? "");
  return (
    <div class={isWide ? "form whole" : "form"}>
      <label for={id}>{field.label}</label>
      <Control id={id} field={field} {...props} />
      <span id={`${id}-hint`} class={fault === undefined ? "hint" : "hint bad"}>
        {fault === undefined ? field.hint : shown(fault)}
      </span>
    </div>
  );
}

function Control({
  id,
  field: { at, kind, choices },
  written,
  faults,
  onWrite,
}: FieldsProps & { id: string; field: Field }) {
  const value = written[at] ?? "";
  const common = {
    id,
    class: "field",
    value,
    "aria-invalid": faults[at] !== undefined,
    "aria-describedby": `${id}-hint`,
  };
  const write = ({ currentTarget }: { currentTarget: { value: string } }) =>
    onWrite({ [at]: currentTarget.value });
  const words = kind === "agent" ? agentWords() : choices;
  if (words !== undefined) {
    const all = Object.hasOwn(words, value) ? words : { ...words, [value]: value };
    return (
      <select {...common} onChange={write}>
        {Object.entries(all).map(([choice, word]) => (
          <option key={choice} value={choice}>
            {shown(word)}
          </option>
        ))}
      </select>
    );
  }
  if (kind === undefined || kind === "number" || kind === "labels") {
    return <input {...common} onInput={write} />;
  }
  const look = kind === "long" ? "field long-field" : "field lines-field";
  return <textarea {...common} class={look} rows={kind === "long" ? 5 : 2} onInput={write} />;
}

const agentWords = (): Record<string, string> => ({
  "": "none",
  ...Object.fromEntries([...agents.value.values()].map(({ id, name }) => [id, name])),
});

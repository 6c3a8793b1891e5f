import { agents } from "../agents.ts";
import { shown } from "../words/shown.ts";
import { askedFields, type Field, writtenOf } from "./field.ts";

interface ListProps {
  fields: readonly Field[];
  document: object;
  /** What else is to be said, by its term. */
  more?: readonly (readonly [term: string, text: string])[];
}

/** What a document has in its fields, as terms; what has its default is not said. */
export function SettingsList({ fields, document, more = [] }: ListProps) {
  const written = writtenOf(fields, document);
  const told = askedFields(fields, written).map(({ at, label, kind, choices }) => {
    const text = written[at] ?? "";
    const word = kind === "agent" ? agents.value.get(text)?.name : choices?.[text];
    return [label, text === "" ? "" : (word ?? text)] as const;
  });
  return (
    <dl class="settings">
      {[...told, ...more].map(
        ([term, text]) =>
          text !== "" && (
            <div key={term}>
              <dt>{term}</dt>
              <dd class="lines">{shown(text)}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

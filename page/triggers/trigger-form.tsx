import type { CreateTrigger, Trigger } from "../../client/types.ts";
import { DocumentForm } from "../events/document-form.tsx";
import { api } from "../session.ts";
import { NEW_TRIGGER, TRIGGER_FIELDS } from "./trigger-fields.ts";
import { TryIt } from "./try-it.tsx";

interface FormProps {
  /** The trigger that is changed; null: a new one. */
  stored: Trigger | null;
  onSaved?(): Promise<void>;
}

/** What a trigger is written in; it can be tried before it is saved. */
export const TriggerForm = (props: FormProps) => (
  <DocumentForm
    view="triggers"
    word="Triggers"
    noun="trigger"
    fields={TRIGGER_FIELDS}
    start={NEW_TRIGGER}
    whole={["source", "agent"]}
    create={(content) => api().triggers.create(content as CreateTrigger)}
    get={(id) => api().triggers.get(id)}
    patch={(one, patch) => api().triggers.patch(one, patch)}
    below={(content) => (
      <section class="try">
        <h2>Try it as it is written here</h2>
        {content === undefined ? (
          <p class="small ink3">Write what is needed first.</p>
        ) : (
          <TryIt
            id={props.stored?.id}
            test={(on) => api().triggers.testNew(content as CreateTrigger, on)}
          />
        )}
      </section>
    )}
    {...props}
  />
);

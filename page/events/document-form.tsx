import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { ProblemError } from "../../client/problem-error.ts";
import { go, hrefOf, type View } from "../address.ts";
import { Crumb } from "../parts/crumb.tsx";
import { say } from "../parts/toast.tsx";
import { endedSession, faultOf } from "../session.ts";
import { differences, mergePatchOf } from "../settings/difference.ts";
import { SettingsDifference } from "../settings/settings-difference.tsx";
import { shown } from "../words/shown.ts";
import {
  broughtOver,
  contentOf,
  type Field,
  faultsOf,
  fieldAt,
  replacedWhole,
  type Written,
  writtenOf,
} from "./field.ts";
import { Fields } from "./fields.tsx";
import { keepSecret } from "./secret.tsx";

/** What a form writes. */
interface Document {
  id: string;
  revision: number;
  secret?: string;
}

interface FormProps<T extends Document> {
  view: View;
  /** What all of them are called. */
  word: string;
  noun: string;
  fields: readonly Field[];
  /** The one that is changed; null: a new one. */
  stored: T | null;
  /** What a new one begins with. */
  start: Written;
  /** Members that a patch replaces whole. */
  whole?: readonly string[];
  create(content: object): Promise<T>;
  get(id: string): Promise<T>;
  patch(one: T, patch: Record<string, unknown>): Promise<T>;
  onSaved?(): Promise<void>;
  /** What stands below the fields, by what is written; undefined: that is not whole yet. */
  below?(content: object | undefined): ComponentChildren;
}

const TOLD_OLD =
  "Somebody else changed it meanwhile. What you wrote stands on theirs now: look at what changes, then save again.";

/** What a trigger or a webhook is written in; what saving would change is shown before. */
export function DocumentForm<T extends Document>(props: FormProps<T>) {
  const { view, word, noun, fields, stored, below } = props;
  const form = useMemo(() => newForm(props), []);
  const { written, faults, refusal, isSaving } = form;
  const isWhole = Object.keys(faultsOf(fields, written.value)).length === 0;
  return (
    <main class="page">
      <header class="head">
        <Crumb view={view} word={word}>
          {stored === null ? "new" : <code class="cut">{stored.id}</code>}
        </Crumb>
        <h1>{stored === null ? `New ${noun}` : `Change this ${noun}`}</h1>
      </header>
      <form
        class="agent-form"
        onSubmit={(event) => {
          event.preventDefault();
          void form.save();
        }}
      >
        <div class="pair">
          <Fields
            fields={fields}
            written={written.value}
            faults={faults.value}
            onWrite={form.write}
          />
        </div>
        {stored !== null && isWhole && <Changes all={form.changes()} />}
        <p class="bad small" role="alert">
          {shown(refusal.value)}
        </p>
        <div class="row">
          <button type="submit" class="button first" disabled={isSaving.value}>
            {stored === null ? "Create" : "Save"}
          </button>
          <a class="button" href={hrefOf({ view, id: stored?.id ?? null })}>
            Leave it
          </a>
        </div>
      </form>
      {below?.(isWhole ? contentOf(fields, written.value) : undefined)}
    </main>
  );
}

const Changes = ({ all }: { all: ReturnType<typeof differences> }) =>
  all.length === 0 ? (
    <p class="small ink3">Nothing is changed yet.</p>
  ) : (
    <SettingsDifference label="What saving changes" all={all} />
  );

function newForm<T extends Document>(props: FormProps<T>) {
  const { view, fields, start, whole = [], create, get, patch, onSaved } = props;
  /** As it was read: what saving changes, and If-Match, are by this one. */
  let base = props.stored;
  const before = () => (base === null ? start : writtenOf(fields, base));
  const written = signal<Written>(before());
  const faults = signal<Record<string, string>>({});
  const refusal = signal("");
  const isSaving = signal(false);
  const send = async () => {
    const content = contentOf(fields, written.value);
    if (base === null) return create(content);
    const old = contentOf(fields, before());
    const all = { ...mergePatchOf(old, content), ...replacedWhole(old, content, whole) };
    return patch(base, all);
  };
  const refused = async (error: unknown) => {
    if (endedSession(error)) return;
    const { code, errors } = error instanceof ProblemError ? error : { code: "", errors: [] };
    refusal.value = faultOf(error);
    for (const { pointer, detail } of errors) {
      const field = fieldAt(fields, pointer);
      if (field === undefined) refusal.value = `${pointer} ${detail}.`;
      else faults.value = { ...faults.value, [field.at]: `It ${detail}.` };
    }
    if (code !== "precondition_failed" || base === null) return;
    const was = before();
    base = await get(base.id);
    written.value = broughtOver(written.value, { before: was, now: before() });
    refusal.value = TOLD_OLD;
  };
  return {
    written,
    faults,
    refusal,
    isSaving,
    write(changed: Written) {
      written.value = { ...written.value, ...changed };
    },
    changes: () => differences(contentOf(fields, before()), contentOf(fields, written.value)),
    async save() {
      faults.value = faultsOf(fields, written.value);
      refusal.value = "";
      if (isSaving.value || Object.keys(faults.value).length > 0) return;
      isSaving.value = true;
      try {
        const saved = await send();
        keepSecret(saved);
        await onSaved?.();
        say(base === null ? "Created." : "Saved.");
        go(hrefOf({ view, id: saved.id }), { replaces: true });
      } catch (error) {
        await refused(error).catch((again: unknown) => {
          refusal.value = faultOf(again);
        });
      } finally {
        isSaving.value = false;
      }
    },
  };
}

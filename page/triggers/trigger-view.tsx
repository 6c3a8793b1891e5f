import type { Trigger } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { askTo, erase, rotate } from "../events/acts.ts";
import { Secret } from "../events/secret.tsx";
import { SettingsList } from "../events/settings-list.tsx";
import { Crumb } from "../parts/crumb.tsx";
import { StatusMark } from "../parts/icon.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { Missing } from "../parts/missing.tsx";
import { said } from "../parts/said.ts";
import { Moment } from "../parts/time.tsx";
import { api } from "../session.ts";
import { shown } from "../words/shown.ts";
import { Firings } from "./firings.tsx";
import { TRIGGER_FIELDS } from "./trigger-fields.ts";
import { TriggerForm } from "./trigger-form.tsx";
import { TryIt } from "./try-it.tsx";
import { stateOf, todayText, triggerHead } from "./words.ts";

/** One trigger: its settings, its firings, what an event would come to, and its form. */
export function TriggerView({ id }: { id: string }) {
  const { known, fault, load } = useLoaded((signal) => api().triggers.get(id, { signal }), id);
  const { tab } = address.value;
  const trigger = known.value;
  if (trigger === null) {
    if (fault.value === null) return <main class="page" aria-busy="true" />;
    return <Missing noun="trigger" view="triggers" id={id} {...fault.value} />;
  }
  if (tab === "edit") {
    return <TriggerForm key={trigger.revision} stored={trigger} onSaved={load} />;
  }
  const firing = tab?.startsWith("fir_") ? tab : undefined;
  return (
    <main class="page">
      <Head trigger={trigger} load={load} />
      <Secret id={id} />
      <nav class="tabs flush" aria-label="Trigger">
        {(["settings", "firings", "test"] as const).map((name) => (
          <a
            key={name}
            href={hrefOf({ view: "triggers", id, tab: name === "settings" ? null : name })}
            aria-current={
              (firing === undefined ? (tab ?? "settings") : "test") === name ? "page" : undefined
            }
          >
            {WORDS[name]}
          </a>
        ))}
      </nav>
      {tab === "firings" && <Firings id={id} />}
      {(tab === "test" || firing !== undefined) && (
        <TryIt key={firing} id={id} firing={firing} test={(on) => api().triggers.test(id, on)} />
      )}
      {tab === null && <SettingsList fields={TRIGGER_FIELDS} document={trigger} />}
    </main>
  );
}

const WORDS = { settings: "Settings", firings: "Firings", test: "Test" } as const;

function Head({ trigger, load }: { trigger: Trigger; load(): Promise<void> }) {
  const { id, pausedWhy, dueAt, hook } = trigger;
  const state = stateOf(trigger);
  return (
    <header class="head">
      <Crumb view="triggers" word="Triggers">
        <code class="cut">{id}</code>
      </Crumb>
      <h1>
        {state !== undefined && <StatusMark mark={state} />}
        <span>{triggerHead(trigger)}</span>
      </h1>
      <Actions trigger={trigger} load={load} />
      <p class="asked flush">
        {pausedWhy !== null && shown(pausedWhy)}
        {pausedWhy === null && dueAt !== null && (
          <>
            Next at <Moment at={dueAt} />, or up to a minute later.
          </>
        )}
        Today (UTC): {todayText(trigger)}.
        {hook !== null && (
          <>
            {" "}
            Events are posted to <code>{hook.path}</code>.
          </>
        )}
      </p>
    </header>
  );
}

function Actions({ trigger, load }: { trigger: Trigger; load(): Promise<void> }) {
  const { id, hook } = trigger;
  const isOn = stateOf(trigger) === undefined;
  const enable = async (enabled: boolean) => {
    await said(api().triggers.patch(trigger, { enabled }), enabled ? "Enabled." : "Disabled.");
    await load();
  };
  return (
    <div class="acts">
      <button
        type="button"
        class={isOn ? "button" : "button first"}
        onClick={() => void enable(!isOn)}
      >
        {isOn ? "Disable" : trigger.pausedWhy === null ? "Enable" : "Resume"}
      </button>
      <a class="button" href={hrefOf({ view: "triggers", id, tab: "edit" })}>
        Edit
      </a>
      {hook !== null && (
        <button
          type="button"
          class="button"
          onClick={askTo(
            "Make a new secret? The one of now is taken for 24 hours more.",
            "Make it",
            () => rotate(api().triggers.rotateSecret(id), load),
          )}
        >
          New secret
        </button>
      )}
      <button
        type="button"
        class="button danger"
        onClick={askTo("Delete this trigger? Its runs stay.", "Delete it", () =>
          erase(api().triggers.delete(id), "triggers"),
        )}
      >
        Delete
      </button>
    </div>
  );
}

import type { CreateWebhook, Webhook } from "../../client/types.ts";
import { address, go, hrefOf } from "../address.ts";
import { askTo, erase, rotate } from "../events/acts.ts";
import { DocumentForm } from "../events/document-form.tsx";
import { Secret } from "../events/secret.tsx";
import { SettingsList } from "../events/settings-list.tsx";
import { now } from "../now.ts";
import { Crumb } from "../parts/crumb.tsx";
import { StatusMark } from "../parts/icon.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { Missing } from "../parts/missing.tsx";
import { said } from "../parts/said.ts";
import { Moment } from "../parts/time.tsx";
import { api } from "../session.ts";
import { shown } from "../words/shown.ts";
import { Deliveries } from "./deliveries.tsx";
import { NEW_WEBHOOK, WEBHOOK_FIELDS } from "./webhook-fields.ts";
import { stateOf, webhookHead } from "./words.ts";

interface FormProps {
  /** The webhook that is changed; null: a new one. */
  stored: Webhook | null;
  onSaved?(): Promise<void>;
}

export const WebhookForm = (props: FormProps) => (
  <DocumentForm<Webhook>
    view="webhooks"
    word="Webhooks"
    noun="webhook"
    fields={WEBHOOK_FIELDS}
    start={NEW_WEBHOOK}
    create={(content) => api().webhooks.create(content as CreateWebhook)}
    get={(id) => api().webhooks.get(id)}
    patch={(one, patch) => api().webhooks.patch(one, patch)}
    {...props}
  />
);

/** One webhook: its settings, what was sent to it, and its form. */
export function WebhookView({ id }: { id: string }) {
  const { known, fault, load } = useLoaded((signal) => api().webhooks.get(id, { signal }), id);
  const { tab } = address.value;
  const webhook = known.value;
  if (webhook === null) {
    if (fault.value === null) return <main class="page" aria-busy="true" />;
    return <Missing noun="webhook" view="webhooks" id={id} {...fault.value} />;
  }
  if (tab === "edit") {
    return <WebhookForm key={webhook.revision} stored={webhook} onSaved={load} />;
  }
  const isSent = tab === "deliveries";
  return (
    <main class="page">
      <Head webhook={webhook} load={load} />
      <Secret id={id} />
      <nav class="tabs flush" aria-label="Webhook">
        <a href={hrefOf({ view: "webhooks", id })} aria-current={isSent ? undefined : "page"}>
          Settings
        </a>
        <a
          href={hrefOf({ view: "webhooks", id, tab: "deliveries" })}
          aria-current={isSent ? "page" : undefined}
        >
          Deliveries
        </a>
      </nav>
      {isSent ? (
        <Deliveries of={id} list={(options) => api().webhooks.deliveries(id, options)} />
      ) : (
        <Settings webhook={webhook} />
      )}
    </main>
  );
}

function Settings({ webhook }: { webhook: Webhook }) {
  const more = [["Headers", webhook.headers.join(", ")]] as const;
  return <SettingsList fields={WEBHOOK_FIELDS} document={webhook} more={more} />;
}

function Head({ webhook, load }: { webhook: Webhook; load(): Promise<void> }) {
  const { id, disabledWhy, nextProbeAt, previousSecretUntil, enabled } = webhook;
  const state = stateOf(webhook);
  return (
    <header class="head">
      <Crumb view="webhooks" word="Webhooks">
        <code class="cut">{id}</code>
      </Crumb>
      <h1>
        {state !== undefined && <StatusMark mark={state} />}
        <span>{webhookHead(webhook, now.value)}</span>
      </h1>
      <Actions webhook={webhook} load={load} />
      <p class="asked flush">
        {disabledWhy !== null && shown(disabledWhy)}
        {enabled && nextProbeAt !== null && (
          <>
            It is tried again at <Moment at={nextProbeAt} />, or up to a minute later.{" "}
          </>
        )}
        {previousSecretUntil !== null && (
          <>
            The secret before signs, too, until <Moment at={previousSecretUntil} />.
          </>
        )}
      </p>
    </header>
  );
}

function Actions({ webhook, load }: { webhook: Webhook; load(): Promise<void> }) {
  const { id, enabled } = webhook;
  const enable = async () => {
    const patching = api().webhooks.patch(webhook, { enabled: !enabled });
    await said(patching, enabled ? "Disabled." : "Enabled.");
    await load();
  };
  const ping = async () => {
    const sent = await said(api().webhooks.ping(id), "Pinged.");
    if (sent) go(hrefOf({ view: "webhooks", id, tab: "deliveries" }));
  };
  return (
    <div class="acts">
      <button
        type="button"
        class={enabled ? "button" : "button first"}
        onClick={() => void enable()}
      >
        {enabled ? "Disable" : "Enable"}
      </button>
      <a class="button" href={hrefOf({ view: "webhooks", id, tab: "edit" })}>
        Edit
      </a>
      {enabled && (
        <button type="button" class="button" onClick={() => void ping()}>
          Ping
        </button>
      )}
      <button
        type="button"
        class="button"
        onClick={askTo(
          "Make a new secret? The one of now signs, too, for 24 hours more.",
          "Make it",
          () => rotate(api().webhooks.rotate(id), load),
        )}
      >
        New secret
      </button>
      <button
        type="button"
        class="button danger"
        onClick={askTo("Delete this webhook? What waits for it is given up.", "Delete it", () =>
          erase(api().webhooks.delete(id), "webhooks"),
        )}
      >
        Delete
      </button>
    </div>
  );
}

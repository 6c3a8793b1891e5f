import type { Webhook } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { EventsNav } from "../events/events-nav.tsx";
import { Ghosts } from "../parts/ghosts.tsx";
import { useListed } from "../parts/loaded.ts";
import { Older } from "../parts/older.tsx";
import { Time } from "../parts/time.tsx";
import { api } from "../session.ts";
import { shown } from "../words/shown.ts";
import { WebhookForm, WebhookView } from "./webhook-view.tsx";
import { eventsText, hostOf, stateOf, webhooksHead } from "./words.ts";

/** The webhooks, or one of them, or the form of a new one. */
export function WebhooksView() {
  const { id } = address.value;
  if (id === "new") return <WebhookForm key="new" stored={null} />;
  if (id !== null) return <WebhookView key={id} id={id} />;
  return <List />;
}

function List() {
  const listed = useListed((options) => api().webhooks.list(options), "");
  const known = listed.known.value;
  return (
    <main class="page" aria-busy={known === null}>
      <div class="title row">
        <h1 class="grow">{known === null ? "Webhooks" : webhooksHead(known)}</h1>
        <a class="button" href={hrefOf({ view: "webhooks", id: "new" })}>
          New webhook
        </a>
      </div>
      <EventsNav open="webhooks" />
      {known === null && listed.fault.value === null && <Ghosts />}
      {known?.length === 0 && (
        <p class="note">A webhook has the changes of your runs sent to an address, or to a chat.</p>
      )}
      {known !== null && known.length > 0 && <Table rows={known} />}
      <Older {...listed} />
    </main>
  );
}

const Table = ({ rows }: { rows: readonly Webhook[] }) => (
  <table class="rows">
    <thead>
      <tr>
        <th scope="col">Webhook</th>
        <th scope="col" class="x">
          Is told
        </th>
        <th scope="col" class="x2">
          Description
        </th>
        <th scope="col" class="num x">
          Changed
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((webhook) => (
        <Row key={webhook.id} webhook={webhook} />
      ))}
    </tbody>
  </table>
);

function Row({ webhook }: { webhook: Webhook }) {
  const { id, description, disabledWhy, updatedAt } = webhook;
  const state = stateOf(webhook);
  return (
    <tr>
      <th scope="row">
        <a class="strong" href={hrefOf({ view: "webhooks", id })}>
          {hostOf(webhook)}
        </a>{" "}
        {state !== undefined && (
          <span class={`small ${state.tone}`}>
            {state.word}
            {disabledWhy !== null && `: ${shown(disabledWhy)}`}
          </span>
        )}
      </th>
      <td class="x">{eventsText(webhook)}</td>
      <td class="x2">{shown(description)}</td>
      <td class="num x">
        <Time at={updatedAt} />
      </td>
    </tr>
  );
}

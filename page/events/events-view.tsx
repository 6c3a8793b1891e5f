import { address } from "../address.ts";
import { TriggersView } from "../triggers/triggers-view.tsx";
import { WebhooksView } from "../webhooks/webhooks-view.tsx";

/** What comes in, or what goes out: they share so much that they are loaded together. */
export const EventsView = () =>
  address.value.view === "webhooks" ? <WebhooksView /> : <TriggersView />;

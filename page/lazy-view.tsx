import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import type { View } from "./address.ts";

const eventsView = async () => (await import("./events/events-view.tsx")).EventsView;

/** What is loaded when it is looked at. */
const LOADERS: Readonly<Record<View, () => Promise<ComponentType>>> = {
  conversations: async () =>
    (await import("./conversation/conversations-view.tsx")).ConversationsView,
  agents: async () => (await import("./agent/agents-view.tsx")).AgentsView,
  triggers: eventsView,
  webhooks: eventsView,
  usage: async () => (await import("./usage/usage-view.tsx")).UsageView,
};

const loaded = signal<Partial<Record<View, { View: ComponentType }>>>({});
const isMissing = signal(false);

async function load(view: View): Promise<void> {
  try {
    const found = { View: await LOADERS[view]() };
    isMissing.value = false;
    loaded.value = { ...loaded.value, [view]: found };
  } catch {
    // The connection is lost, or the server has another version by now.
    isMissing.value = true;
  }
}

/** A view that is not the first one. */
export function LazyView({ view }: { view: View }) {
  const found = loaded.value[view];
  useEffect(() => {
    if (loaded.peek()[view] === undefined) void load(view);
  }, [view]);
  if (found !== undefined) return <found.View />;
  if (!isMissing.value) return <main class="page" aria-busy="true" />;
  return (
    <main class="page">
      <div class="mid">
        <h1>This view could not be loaded</h1>
        <p class="ink2">The server does not answer, or has another version of the page by now.</p>
        <button type="button" class="button first" onClick={() => location.reload()}>
          Load the page again
        </button>
      </div>
    </main>
  );
}

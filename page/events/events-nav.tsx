import { hrefOf, type View } from "../address.ts";

/** What comes in and what goes out: the two lists of events. */
export const EventsNav = ({ open }: { open: View }) => (
  <nav class="tabs flush" aria-label="Events">
    {(["triggers", "webhooks"] as const).map((view) => (
      <a key={view} href={hrefOf({ view })} aria-current={view === open ? "page" : undefined}>
        {view === "triggers" ? "Triggers" : "Webhooks"}
      </a>
    ))}
  </nav>
);

import { signal } from "@preact/signals";

/** Where one is: everything that a link to the page can say. */
export interface Address {
  /** The run that is looked at; null: the list is. */
  run: string | null;
  tab: string | null;
  /** What is looked at beside runs; null: runs are. */
  view: View | null;
  /** Id of what is looked at in a view; null: the list of them. */
  id: string | null;
  /** What usage is counted by, or the outcome of the firings that are listed. */
  by: string | null;
  filter: Filter;
}

/** Which runs are listed; each as in the API's own query, `q` is looked for in what is loaded. */
export interface Filter {
  status: string;
  agent: string;
  label: string;
  conversation: string;
  /** So many days back; empty: the usual ones. */
  days: string;
  q: string;
}

const VIEWS = ["conversations", "agents", "triggers", "webhooks", "usage"] as const;
export type View = (typeof VIEWS)[number];

export const FILTERS = ["status", "agent", "label", "conversation", "days", "q"] as const;
export const USUAL_DAYS = "7";

/** What an address says. */
function readAddress(search: string): Address {
  const query = new URLSearchParams(search);
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  return {
    run: query.get("run"),
    tab: query.get("tab"),
    view: VIEWS.find((view) => view === query.get("view")) ?? null,
    id: query.get("id"),
    by: query.get("by"),
    filter: filter as unknown as Filter,
  };
}

/** The address that says it, from the root. */
export function hrefOf({ filter = {}, ...place }: Partial<PartialAddress>): string {
  const query = new URLSearchParams();
  for (const name of ["run", "view", "id", "by", "tab"] as const) {
    const value = place[name] ?? null;
    if (value !== null) query.set(name, value);
  }
  for (const name of FILTERS) {
    const value = filter[name];
    if (value) query.set(name, value);
  }
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}

type PartialAddress = Omit<Address, "filter"> & { filter: Partial<Filter> };

export const address = signal<Address>(readAddress(""));

export function openAddress(): void {
  const read = () => {
    address.value = readAddress(location.search);
  };
  addEventListener("popstate", read);
  read();
}

/** @param options.replaces whether going back passes over where one was */
export function go(href: string, { replaces = false } = {}): void {
  const before = placeOf(address.value);
  if (replaces) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  address.value = readAddress(location.search);
  if (placeOf(address.value) !== before) scrollTo(0, 0);
}

const placeOf = ({ run, view, id }: Address): string => [run, view, id].join("/");

/** Back from a run to the list that it was opened from. */
export const toList = (): void => go(hrefOf({ filter: address.peek().filter }));

/** Follows a link within the page, unless it was asked for elsewhere, as in a new tab. */
export function onLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest("a");
  if (link === null || link.origin !== location.origin || link.pathname !== "/") return;
  if (link.target !== "" || link.hasAttribute("download")) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

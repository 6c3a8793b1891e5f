import { computed, signal } from "@preact/signals";
import { address, FILTERS, type Filter, go, hrefOf, USUAL_DAYS } from "../address.ts";
import { agents } from "../agents.ts";
import { Icon } from "../parts/icon.tsx";
import { counted } from "../words/amounts.ts";
import { shown } from "../words/shown.ts";
import { isLoaded, runs } from "./live-runs.ts";

type Choice = readonly [value: string, word: string];

const STATUSES: readonly Choice[] = [
  ["pending", "pending"],
  ["queued", "queued"],
  ["running", "running"],
  ["cancelling", "cancelling"],
  ["succeeded", "succeeded"],
  ["failed", "failed"],
  ["timed_out", "timed out"],
  ["cancelled", "cancelled"],
  ["expired", "expired"],
];
const DAYS: readonly Choice[] = [
  ["1", "last 24 hours"],
  [USUAL_DAYS, "last 7 days"],
  ["30", "last 30 days"],
  ["90", "last 90 days"],
];

/** Labels that the loaded runs have. */
const labels = computed(() => {
  const found = new Set([...runs.value.values()].flatMap(({ labelPairs }) => labelPairs));
  return [...found].sort().map((label): Choice => [label, shown(label)]);
});

const isOpen = signal(false);

/** Whether anything is asked for beyond the usual. */
export const isFiltered = (filter: Filter): boolean => FILTERS.some((name) => filter[name] !== "");

function setFilter(changed: Partial<Filter>): void {
  const filter = { ...address.value.filter, ...changed };
  go(hrefOf({ filter }), { replaces: "q" in changed });
}

export function FilterBar() {
  const { filter } = address.value;
  const agentChoices = [...agents.value.values()].map(({ id, name }): Choice => [id, shown(name)]);
  return (
    <search>
      <form
        class={isOpen.value ? "filters open" : "filters"}
        onSubmit={(event) => event.preventDefault()}
      >
        <label class="field">
          <Icon name="search" tone="ink3" />
          <span class="sr">Search in the runs that are loaded</span>
          <input
            id="search-runs"
            type="search"
            class="bare grow"
            placeholder="Prompt, id, file, label"
            value={filter.q}
            onInput={({ currentTarget }) => setFilter({ q: currentTarget.value })}
          />
          <kbd class="hide">/</kbd>
        </label>
        <button
          type="button"
          class="button low only-narrow"
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          <Icon name="filter" />
          Filter
        </button>
        <Chosen name="status" word="Status" choices={STATUSES} />
        <Chosen name="agent" word="Agent" choices={agentChoices} />
        <Chosen name="label" word="Label" choices={labels.value} />
        <Chosen name="days" word="Started" choices={DAYS} usual={USUAL_DAYS} />
        {filter.conversation !== "" && (
          <Chosen name="conversation" word="Conversation" choices={[]} />
        )}
        <span class="grow hide" />
        <Count />
      </form>
    </search>
  );
}

interface ChosenProps {
  name: keyof Filter;
  word: string;
  choices: readonly Choice[];
  /** What holds where nothing is chosen. Default: any. */
  usual?: string;
}

function Chosen({ name, word, choices, usual }: ChosenProps) {
  const value = address.value.filter[name];
  // What the address asks for is a choice, whatever is loaded.
  const isKnown = value === "" || choices.some(([known]) => known === value);
  const all = isKnown ? choices : [...choices, [value, shown(value)] as const];
  return (
    <span class={value === "" ? "choice" : "choice set"}>
      <label>
        {word}{" "}
        <select
          class="bare"
          value={value || usual || ""}
          onChange={({ currentTarget }) =>
            setFilter({ [name]: currentTarget.value === usual ? "" : currentTarget.value })
          }
        >
          {usual === undefined && <option value="">any</option>}
          {all.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {value !== "" && (
        <button
          type="button"
          class="bare"
          aria-label={`Any ${word}`}
          onClick={() => setFilter({ [name]: "" })}
        >
          <Icon name="close" />
        </button>
      )}
    </span>
  );
}

/** How many runs are loaded: text is searched for in these alone. */
function Count() {
  const { size } = runs.value;
  const { q } = address.value.filter;
  const searched = q === "" ? "" : "searched: ";
  return (
    <span class="small ink3 hide count">
      {searched}
      {counted(size, "run")}
      {isLoaded.value ? "" : " so far"}
    </span>
  );
}

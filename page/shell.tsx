import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { address, go, hrefOf, type View } from "./address.ts";
import { compose, purpose } from "./compose/draft.ts";
import { Sheet } from "./compose/sheet.tsx";
import { addKeys } from "./keys.ts";
import { LazyView } from "./lazy-view.tsx";
import { ListView } from "./list/list-view.tsx";
import { lostSince } from "./list/live-runs.ts";
import { AskPlace } from "./parts/ask.tsx";
import { Icon } from "./parts/icon.tsx";
import { LiveRegion } from "./parts/live-region.tsx";
import { ToastPlace } from "./parts/toast.tsx";
import { RunPlace } from "./run/run-place.tsx";
import { key } from "./session.ts";
import { SignIn } from "./sign-in.tsx";
import { clockText } from "./words/time.ts";

const areKeysShown = signal(false);

/** Everything, for whoever is signed in. */
export function Shell() {
  if (key.value === null) return <SignIn />;
  return <SignedIn />;
}

function SignedIn() {
  useEffect(
    () =>
      addKeys({
        c: () => void compose({ kind: "new" }),
        ...Object.fromEntries(
          PLACES.map(({ key, view }) => [`g ${key}`, () => go(hrefOf({ view }))]),
        ),
        "?": () => {
          areKeysShown.value = true;
        },
      }),
    [],
  );
  const { run, view } = address.value;
  return (
    <>
      <Bar />
      <LostLine />
      {run !== null && <RunPlace key={run} id={run} />}
      {run === null && (view === null ? <ListView /> : <LazyView view={view} />)}
      <nav class="foot-nav" aria-label="Main">
        <Links hasIcons />
      </nav>
      {purpose.value !== null && <Sheet />}
      {areKeysShown.value && <KeySheet />}
      <AskPlace />
      <ToastPlace />
      <LiveRegion />
    </>
  );
}

const Bar = () => (
  <header class="bar">
    <a class="brand" href="/">
      <Icon name="runs" />
      Runyard
    </a>
    <nav class="nav" aria-label="Main">
      <Links />
      <a href="/docs" target="_blank" rel="noreferrer">
        API
      </a>
    </nav>
    <span class="grow" />
    <button
      type="button"
      class="plain-link small ink3 hide"
      onClick={() => {
        areKeysShown.value = true;
      }}
    >
      Keys <kbd>?</kbd>
    </button>
    <button type="button" class="button first low" onClick={() => void compose({ kind: "new" })}>
      New run <kbd>c</kbd>
    </button>
  </header>
);

const PLACES: readonly { view: View | null; word: string; icon: string; key: string }[] = [
  { view: null, word: "Runs", icon: "runs", key: "r" },
  { view: "conversations", word: "Conversations", icon: "talk", key: "c" },
  { view: "agents", word: "Agents", icon: "agents", key: "a" },
  { view: "triggers", word: "Events", icon: "events", key: "e" },
  { view: "usage", word: "Usage", icon: "usage", key: "u" },
];

/** Webhooks stand beside triggers. */
const placeOf = (view: View | null): View | null => (view === "webhooks" ? "triggers" : view);

function Links({ hasIcons = false }: { hasIcons?: boolean }) {
  const { run, view: open } = address.value;
  return (
    <>
      {PLACES.map(({ view, word, icon }) => (
        <a
          key={word}
          href={hrefOf({ view })}
          aria-current={run === null && view === placeOf(open) ? "page" : undefined}
        >
          {hasIcons && <Icon name={icon} />}
          {word}
        </a>
      ))}
    </>
  );
}

function LostLine() {
  const since = lostSince.value;
  return (
    <div role="status">
      {since !== null && (
        <p class="tape">
          <Icon name="queued" tone="warn" />
          No connection since {clockText(since)}. What you see is from then; it is tried again every
          few seconds.
        </p>
      )}
    </div>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ["c", "new run"],
  ["/", "search"],
  ["j k", "next, one before"],
  ["g r", "runs"],
  ["g c", "conversations"],
  ["g a", "agents"],
  ["g e", "events"],
  ["g u", "usage"],
  ["↵", "open"],
  ["space", "select"],
  ["x", "cancel"],
  ["r", "rerun"],
  ["f", "follow up, in a run"],
  ["p", "phases of a run"],
  ["e", "archive"],
  ["u", "unread or read"],
  ["[ ]", "turn or file before, after"],
  ["1–8", "tabs of a run"],
  ["⌘↵", "send"],
  ["esc", "close, or back to the list"],
];

function KeySheet() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="ask"
      aria-labelledby="keys-title"
      onClose={() => {
        areKeysShown.value = false;
      }}
    >
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([name, does]) => (
          <div key={name}>
            <dt>
              <kbd>{name}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

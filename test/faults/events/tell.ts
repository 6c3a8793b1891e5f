import type { Firing } from "../../../shared/triggers/trigger.ts";
import type { Telling } from "../crash-points/run.ts";
import { violationsAtRest } from "../world/at-rest.ts";
import type { MessageFate } from "../world/delivery.ts";
import type { WorldOptions } from "../world/options.ts";
import type { Violation } from "../world/witness.ts";
import * as invariants from "./invariants.ts";
import { type Held, STORIES, type Story, type StoryName } from "./stories.ts";
import { EventsWorld } from "./world.ts";

/** What becomes of messages. Late: they overtake each other. */
const MESSAGES = ["usual", "twice", "late", "lost"] as const;

/** A story, and how messages fare in it. */
export interface EventSetting {
  story: StoryName;
  messages: (typeof MESSAGES)[number];
}

export const EVENT_SETTINGS: readonly EventSetting[] = MESSAGES.flatMap((messages) =>
  (Object.keys(STORIES) as StoryName[]).map((story) => ({ story, messages })),
);

const LIMIT_MS = 30 * 3600 * 1000;
/** Whose messages are owed by a document, so that the sweep publishes them again. */
const OWED = ["run-requests", "webhook-deliveries", "run-deliveries"];

/** Plays a story to its end. */
export const tellEvents: Telling<EventSetting> = async (setting, { plan } = {}) => {
  const world = new EventsWorld({
    seed: 1,
    messageFate: messageFate(setting),
    ...(plan && { plan }),
  });
  const { violations } = await playStory(world, STORIES[setting.story]);
  if (plan !== undefined || setting.messages !== "usual") return { world, violations };
  const free = [...world.witness.records.values()].filter(({ state }) => state.lane === null);
  const first = free.flatMap(({ run }) => (run.conversation.turn === 1 ? [run] : []));
  const own = {
    runsBeginAtOnce: invariants.runsBeginAtOnce(first),
    // The story of a hook has somebody play it back.
    nothingComesAgain:
      setting.story === "schedule"
        ? invariants.nothingComesAgain(world.documents<Firing>("firings"))
        : undefined,
  };
  for (const [invariant, wrong] of Object.entries(own)) {
    if (wrong !== undefined) violations.push({ invariant, runId: "", wrong });
  }
  return { world, violations };
};

/** Plays a story in a world of its own until nothing is left to be done. */
export async function playStory(world: EventsWorld, story: Story) {
  let isTold = false;
  let atRest = (): Held => [{ everyStoryEnds: "it was never told to its end" }];
  world.time.after(0, () => {
    void story(world).then((held) => {
      atRest = held;
      isTold = true;
    });
  });
  const isOver = () => isTold && world.isAtRest();
  const isDone = await world.time.run(isOver, LIMIT_MS);
  const never = isDone ? undefined : "something is left to be done for ever";
  const noDeadEvents = invariants.noDeadEvents(world.deadEvents.concat(world.refused));
  const own = [...atRest(), { everyStoryEnds: never }, { noDeadEvents }].flatMap((all) =>
    Object.entries(all),
  );
  const violations: Violation[] = own.flatMap(([invariant, wrong]) =>
    wrong === undefined ? [] : [{ invariant, runId: "", wrong }],
  );
  return { world, violations: [...violations, ...violationsAtRest(world)] };
}

/** The first of each topic is late or lost, or all come twice. */
function messageFate({ messages }: EventSetting): NonNullable<WorldOptions["messageFate"]> {
  const seen = new Set<string>();
  return (topic): MessageFate | undefined => {
    if (messages === "usual" || topic === "cloud-builds") return undefined;
    if (messages === "twice") return topic === "run-requests" ? undefined : "twice";
    if (seen.has(topic)) return undefined;
    seen.add(topic);
    if (messages === "late") return { lateSeconds: 45 };
    return OWED.includes(topic) ? "lost" : undefined;
  };
}

import type { Conversation } from "../../../shared/documents/conversation.ts";
import type { UsageDay } from "../../../shared/usage/usage-day.ts";
import { isLive } from "./cloud-build.ts";
import { decoded } from "./fields.ts";
import * as invariants from "./invariants.ts";
import { BUCKET } from "./options.ts";
import { holdAtRest } from "./rest.ts";
import type { Violation } from "./witness.ts";
import type { World } from "./world.ts";

/** All that does not hold in a world in which nothing is left to be done, or whose time is over. */
export function violationsAtRest(world: World): Violation[] {
  const { witness, builds, endedOutside } = world;
  const objects = world.objects.bucket(BUCKET);
  const rest = {
    records: witness.records,
    read: (name: string) => objects.get(name)?.bytes,
    namesOf: (id: string) => [...objects.keys()].filter((n) => n.startsWith(`attempts/${id}/`)),
    endedOutside,
    liveBuilds: [...builds.builds.values()].filter(isLive),
    heldSlots: [...witness.held.values()],
    conversations: conversationsOf(world),
    deadLetters: Object.values(world.deliveries).map(({ deadLetters }) => deadLetters),
  };
  for (const record of witness.records.values()) witness.holdTold(record);
  holdAtRest(rest, (...wrong) => witness.hold(...wrong));
  const counted = invariants.everyEndIsCounted(runsCounted(world), witness.ends);
  witness.hold("everyEndIsCounted", "", counted);
  return witness.violations;
}

function runsCounted({ database }: World): number {
  const parts = database.collection("usage").map((part) => decoded(part) as { json: string });
  return parts.reduce((sum, { json }) => sum + (JSON.parse(json) as UsageDay).total.runs, 0);
}

function conversationsOf({ database }: World): Conversation[] {
  return database.collection("conversations").map((document) => decoded(document) as Conversation);
}

import type {
  Agent,
  AgentVersion,
  Conversation,
  ListedConversation,
  Usages,
} from "../../client/types.ts";
import { answered, overRun, pageRun } from "./page-run.ts";
import type { PageStage } from "./page-stage.ts";

const AT = "2026-01-02T03:04:05.000Z";
const FIXED = { schemaVersion: 1, owner: "owner", createdAt: AT } as const;
const AGENT = { id: "agent_fixer", version: 2 };
const DAY_MS = 24 * 3600_000;

const settings = { model: "opus", instructions: "Be brief.\nBe exact.", allowedTools: ["Read"] };
const content = { name: "fixer", labels: { team: "shop" } };

const agent: Agent = {
  ...FIXED,
  ...AGENT,
  ...content,
  settings,
  revision: 2,
  archivedAt: null,
  updatedAt: AT,
};
const versions: AgentVersion[] = [settings, { ...settings, instructions: "Be brief." }].map(
  (one, index) => ({
    ...FIXED,
    ...content,
    agentId: agent.id,
    version: 2 - index,
    settings: one,
  }),
);

const TURNS = ["Count in whole cents", "Now the tests", "Update the changelog"];

/** A conversation whose second turn is at work while a third waits. */
function conversationWithTurns(): Conversation {
  const id = "conv_turns";
  const items = TURNS.map((promptPreview, index) => {
    const conversation = { id, turn: index + 1, session: "new" as const, remark: "" };
    const own = { id: `run_turn${index}`, promptPreview, conversation, agent: AGENT };
    if (index > 0) return pageRun({ ...own, status: index === 1 ? "running" : "pending" });
    const file = {
      path: "src/billing/round.ts",
      status: "modified",
      added: 7,
      removed: 4,
    } as const;
    return overRun({ ...own, output: { ...answered("Done."), changedFiles: [file] } });
  });
  return {
    ...FIXED,
    id,
    turns: items.length,
    activeRun: "run_turn1",
    queue: ["run_turn2"],
    lastRun: "run_turn1",
    agent: AGENT,
    updatedAt: AT,
    items,
  };
}

type Item = Usages["items"][number];

/** What so many runs came to. */
function counts(runs: number, key: string | null = null): Item {
  const phase = (name: "queue" | "agent" | "run", p50Ms: number) => {
    const factor = 1 + (runs % 5) / 5;
    return {
      name,
      runs,
      p50Ms: Math.round(p50Ms * factor),
      p95Ms: Math.round(p50Ms * factor ** 3),
    };
  };
  const phases = [phase("queue", 24_000), phase("agent", 130_000), phase("run", 180_000)];
  const tokens = { inputTokens: runs * 112_000, outputTokens: runs * 6100 };
  return { key, runs, costUsd: runs * 0.48, ...tokens, phases: runs === 0 ? [] : phases };
}

const statusesOf = (runs: number) => [
  { status: "failed", runs: Math.floor(runs / 9) },
  { status: "timed_out", runs: runs % 3 },
  { status: "cancelled", runs: runs % 2 },
  { status: "succeeded", runs: runs - Math.floor(runs / 9) - (runs % 3) - (runs % 2) },
];

/** Usage of the days up to now, or of a month; there was none on two of each seven. */
function usageBy(by: string, from: string): Usages {
  const days = Array.from({ length: 90 }, (_, index): Item => {
    const runs = index % 7 < 2 ? 0 : 20 + ((index * 17) % 50);
    const day = new Date(Date.now() - index * DAY_MS).toISOString().slice(0, 10);
    return { ...counts(runs, day), statuses: statusesOf(runs) };
  }).filter(({ runs, key }) => runs > 0 && (key ?? "") >= from);
  const items = {
    day: days,
    status: statusesOf(850).map(({ status, runs }) => counts(runs, status)),
    label: [counts(600, "team:shop")],
    model: [counts(600, "opus"), counts(251)],
    agent: [counts(600, AGENT.id), counts(251)],
  }[by];
  const all = by === "day" ? days.reduce((sum, { runs }) => sum + runs, 0) : 851;
  return { by, from, to: "", items: items ?? [], total: counts(all) };
}

/** Has an agent, a conversation and usage there, beside their lists. */
export function stageViews({ answers }: PageStage): void {
  const conversation = conversationWithTurns();
  const { items, ...listed } = conversation;
  const { promptPreview, status, done } = pageRun({ status: "running" });
  const conversations: ListedConversation[] = [
    { ...listed, last: { promptPreview, status, done } },
    { ...listed, id: "conv_none", activeRun: null, queue: [], agent: null, last: null },
  ];
  answers.set("/agents", { items: [agent, { ...agent, id: "agent_old", archivedAt: AT }] });
  answers.set(`/agents/${agent.id}`, agent);
  answers.set(`/agents/${agent.id}/versions`, { items: versions });
  answers.set("/conversations", { items: conversations });
  answers.set(`/conversations/${conversation.id}`, conversation);
  answers.set("/usage", ({ query }, response) => {
    response.json(usageBy(String(query["by"]), String(query["from"])));
  });
}

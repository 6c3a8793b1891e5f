import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Agent } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { Time } from "../parts/time.tsx";
import { api, endedSession, faultOf } from "../session.ts";
import { counted } from "../words/amounts.ts";
import { shown } from "../words/shown.ts";
import { AgentForm } from "./agent-form.tsx";
import { loadAgentUsage, usageOfAgents, usualOf } from "./agent-usage.ts";
import { AgentView } from "./agent-view.tsx";

const all = signal<Agent[] | null>(null);
const fault = signal<string | null>(null);
const hasArchived = signal(false);

async function load(archived: boolean, stop: AbortSignal): Promise<void> {
  try {
    const found: Agent[] = [];
    const query = { pageSize: 100, signal: stop, ...(archived && { archived: "true" as const }) };
    for await (const agent of api().agents.list(query)) found.push(agent);
    all.value = found;
    fault.value = null;
  } catch (error) {
    if (!stop.aborted && !endedSession(error)) fault.value = faultOf(error);
  }
}

/** The stored agents, or one of them, or the form of a new one. */
export function AgentsView() {
  const { id } = address.value;
  useEffect(() => void loadAgentUsage(), []);
  if (id === "new") return <AgentForm key="new" agent={null} />;
  if (id !== null) return <AgentView key={id} id={id} />;
  return <AgentList />;
}

function AgentList() {
  useEffect(() => {
    const loading = new AbortController();
    void load(hasArchived.value, loading.signal);
    return () => loading.abort();
  }, [hasArchived.value]);
  const known = all.value;
  const active = known?.filter(({ archivedAt }) => archivedAt === null) ?? [];
  return (
    <main class="page" aria-busy={known === null}>
      <div class="title row">
        <h1 class="grow">{known === null ? "Agents" : counted(active.length, "agent")}</h1>
        <label class="choice">
          <input
            type="checkbox"
            checked={hasArchived.value}
            onChange={({ currentTarget }) => {
              hasArchived.value = currentTarget.checked;
            }}
          />{" "}
          Archived too
        </label>
        <a class="button" href={hrefOf({ view: "agents", id: "new" })}>
          New agent
        </a>
      </div>
      {fault.value !== null && (
        <p class="bad" role="alert">
          {fault.value}
        </p>
      )}
      {known !== null && known.length === 0 && (
        <div class="mid">
          <h2>There is no agent yet</h2>
          <p class="ink2">An agent keeps settings under a name: each change is a new version.</p>
        </div>
      )}
      {known !== null && known.length > 0 && <Table rows={known} />}
    </main>
  );
}

function Table({ rows }: { rows: readonly Agent[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Agent</th>
          <th scope="col" class="x2">
            Model
          </th>
          <th scope="col" class="num">
            Runs
          </th>
          <th scope="col" class="num x">
            Half under
          </th>
          <th scope="col" class="num">
            Cost
          </th>
          <th scope="col" class="num x">
            Changed
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((agent) => (
          <Row key={agent.id} agent={agent} />
        ))}
      </tbody>
      <caption class="small ink3">
        Runs that ended in the last 30 days; what one cost on average, and how long half took at
        most.
      </caption>
    </table>
  );
}

function Row({ agent: { id, name, version, settings, archivedAt, updatedAt } }: { agent: Agent }) {
  const usual = usualOf(usageOfAgents.value?.get(id));
  return (
    <tr>
      <th scope="row">
        <a class="strong" href={hrefOf({ view: "agents", id })}>
          {shown(name)}
        </a>{" "}
        <span class="small ink3">
          v{version}
          {archivedAt !== null && ", archived"}
        </span>
      </th>
      <td class="x2">{shown(settings.model ?? "")}</td>
      <td class="num">{usual?.runs.toLocaleString("en") ?? ""}</td>
      <td class="num x">{usual?.halfUnder}</td>
      <td class="num">{usual?.cost}</td>
      <td class="num x">
        <Time at={updatedAt} />
      </td>
    </tr>
  );
}

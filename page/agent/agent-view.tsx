import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ProblemError } from "../../client/problem-error.ts";
import type { Agent, AgentVersion } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { loadAgents } from "../agents.ts";
import { compose } from "../compose/draft.ts";
import { ask } from "../parts/ask.tsx";
import { Crumb } from "../parts/crumb.tsx";
import { said } from "../parts/said.ts";
import { api, endedSession, faultOf } from "../session.ts";
import { shown } from "../words/shown.ts";
import { AgentForm } from "./agent-form.tsx";
import { agentHead, usageOfAgents, usualOf } from "./agent-usage.ts";
import { Versions } from "./versions.tsx";

/** The agent that is looked at, with its versions, the latest first. */
interface Known {
  agent: Agent;
  versions: AgentVersion[];
}

const known = signal<Known | null>(null);
const fault = signal<{ id: string; why: string; isMissing: boolean } | null>(null);

async function load(id: string): Promise<void> {
  try {
    const versions: AgentVersion[] = [];
    const agent = await api().agents.get(id);
    for await (const version of api().agents.versions(id, { pageSize: 100 })) {
      versions.push(version);
    }
    known.value = { agent, versions };
    fault.value = null;
  } catch (error) {
    if (endedSession(error)) return;
    const isMissing = error instanceof ProblemError && error.status === 404;
    fault.value = { id, why: faultOf(error), isMissing };
  }
}

/** Loads the agent again, here and where its name stands. */
async function reload(id: string): Promise<void> {
  await Promise.all([load(id), loadAgents()]);
}

/** One agent: its settings, its versions, and its form. */
export function AgentView({ id }: { id: string }) {
  useEffect(() => void load(id), [id]);
  if (fault.value?.id === id) return <Missing {...fault.value} />;
  const found = known.value;
  if (found === null || found.agent.id !== id) return <main class="page" aria-busy="true" />;
  const { tab } = address.value;
  if (tab === "edit") {
    return <AgentForm key={found.agent.revision} agent={found.agent} onSaved={() => reload(id)} />;
  }
  return (
    <main class="page">
      <Head agent={found.agent} />
      <nav class="tabs flush" aria-label="Agent">
        <a
          href={hrefOf({ view: "agents", id })}
          aria-current={tab !== "versions" ? "page" : undefined}
        >
          Settings
        </a>
        <a
          href={hrefOf({ view: "agents", id, tab: "versions" })}
          aria-current={tab === "versions" ? "page" : undefined}
        >
          Versions<span class="n">{found.agent.version}</span>
        </a>
        <a href={hrefOf({ filter: { agent: id, days: "30" } })}>Runs</a>
      </nav>
      {tab === "versions" ? (
        <Versions {...found} onSaved={() => reload(id)} />
      ) : (
        <Settings agent={found.agent} />
      )}
    </main>
  );
}

function Missing({ id, why, isMissing }: { id: string; why: string; isMissing: boolean }) {
  return (
    <main class="page">
      <div class="mid">
        <h1>{isMissing ? "There is no such agent" : "This agent could not be loaded"}</h1>
        <p class="ink2">
          <code>{shown(id)}</code>
        </p>
        <p class="small ink3">{shown(why)}</p>
        <a class="button" href={hrefOf({ view: "agents" })}>
          All agents
        </a>
      </div>
    </main>
  );
}

function Head({ agent }: { agent: Agent }) {
  const { id, name, archivedAt } = agent;
  const usual = usualOf(usageOfAgents.value?.get(id));
  const isKnown = usageOfAgents.value !== null;
  return (
    <header class="head">
      <Crumb view="agents" word="Agents">
        <code class="cut">{id}</code>
      </Crumb>
      <h1>{isKnown ? agentHead(shown(name), usual) : shown(name)}</h1>
      <Actions agent={agent} />
      <p class="asked flush">
        {archivedAt !== null
          ? "Archived: it is not listed and runs no more."
          : "Changing it makes a new version; runs at work go on with theirs."}
        {usual !== undefined &&
          ` 95 of 100 took under ${usual.mostUnder}; one cost ${usual.cost} on average.`}
      </p>
    </header>
  );
}

function Actions({ agent: { id, archivedAt } }: { agent: Agent }) {
  const archive = async () => {
    await said(api().agents.archive(id), "Archived.");
    await reload(id);
  };
  const unarchive = async () => {
    await said(api().agents.unarchive(id), "Back in the list.");
    await reload(id);
  };
  if (archivedAt !== null) {
    return (
      <div class="acts">
        <button type="button" class="button" onClick={() => void unarchive()}>
          Take out of the archive
        </button>
      </div>
    );
  }
  const question = "Archive this agent? It is not listed and runs no more until it is taken out.";
  return (
    <div class="acts">
      <a class="button" href={hrefOf({ view: "agents", id, tab: "edit" })}>
        Edit
      </a>
      <button type="button" class="button" onClick={() => void compose({ kind: "new", agent: id })}>
        New run with it
      </button>
      <button
        type="button"
        class="button"
        onClick={() => ask({ question, verb: "Archive it", onYes: () => void archive() })}
      >
        Archive
      </button>
    </div>
  );
}

function Settings({ agent: { settings, labels } }: { agent: Agent }) {
  const entries = Object.entries(settings);
  const pairs = Object.entries(labels);
  if (entries.length === 0 && pairs.length === 0) {
    return <p class="note">Every setting has its default.</p>;
  }
  return (
    <dl class="settings">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{shown(name)}</dt>
          <dd class={typeof value === "string" ? "lines" : "mono lines"}>
            {shown(typeof value === "string" ? value : JSON.stringify(value, null, 2))}
          </dd>
        </div>
      ))}
      {pairs.length > 0 && (
        <div>
          <dt>labels</dt>
          <dd class="mono">{shown(pairs.map((pair) => pair.join(":")).join(" "))}</dd>
        </div>
      )}
    </dl>
  );
}

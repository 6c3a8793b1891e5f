import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Agent, AgentVersion } from "../../client/types.ts";
import { said } from "../parts/said.ts";
import { Time } from "../parts/time.tsx";
import { api } from "../session.ts";
import { type Difference, differences, mergePatchOf } from "../settings/difference.ts";
import { SettingsDifference } from "../settings/settings-difference.tsx";
import { cut, shown } from "../words/shown.ts";
import { contentOf } from "./content.ts";

interface VersionsProps {
  agent: Agent;
  /** The latest first. */
  versions: readonly AgentVersion[];
  onSaved(): Promise<void>;
}

/** The versions of an agent, and what one changed of another. */
export function Versions({ agent, versions, onSaved }: VersionsProps) {
  const chosen = useMemo(() => signal(versions[0]?.version ?? 1), []);
  const against = useMemo(() => signal<number | null>(null), []);
  const one = versions.find(({ version }) => version === chosen.value);
  const before = one?.version === 1 ? 1 : (one?.version ?? 1) - 1;
  const other = versions.find(({ version }) => version === (against.value ?? before));
  if (one === undefined) return null;
  return (
    <div class="cols versions">
      <ol aria-label="Versions">
        {versions.map((version, index) => (
          <li key={version.version}>
            <button
              type="button"
              class="bare ver"
              aria-current={version === one ? "true" : undefined}
              onClick={() => {
                chosen.value = version.version;
                against.value = null;
              }}
            >
              <span class="strong">v{version.version}</span>
              <span class="grow cut">{changeWord(version, versions[index + 1])}</span>
              <Time class="small ink3" at={version.createdAt} />
            </button>
          </li>
        ))}
      </ol>
      <div>
        <div class="tools">
          <span class="grow small ink2">
            {other === undefined || other === one
              ? `v${one.version} is the first`
              : `What v${one.version} changed of v${other.version}`}
          </span>
          <label class="choice">
            Against{" "}
            <select
              class="bare"
              value={String(other?.version ?? "")}
              onChange={({ currentTarget }) => {
                against.value = Number(currentTarget.value);
              }}
            >
              {versions.map(({ version }) => (
                <option key={version} value={String(version)}>
                  v{version}
                </option>
              ))}
            </select>
          </label>
          <GoBack {...{ agent, onSaved }} to={one.version === agent.version ? other : one} />
        </div>
        {other !== undefined && <Changed before={other} after={one} />}
      </div>
    </div>
  );
}

function GoBack({
  agent,
  to,
  onSaved,
}: Omit<VersionsProps, "versions"> & { to: AgentVersion | undefined }) {
  if (to === undefined || agent.archivedAt !== null || to.version === agent.version) return null;
  const patch = mergePatchOf(contentOf(agent), contentOf(to));
  if (Object.keys(patch).length === 0) return null;
  const goBack = async () => {
    const word = `v${agent.version + 1} is as v${to.version} was.`;
    if ((await said(api().agents.patch(agent, patch), word)) !== undefined) await onSaved();
  };
  return (
    <button type="button" class="button low" onClick={() => void goBack()}>
      Go back to v{to.version}
    </button>
  );
}

/** Name, labels and settings, as what may differ. */
function allDifferences(before: AgentVersion, after: AgentVersion): Difference[] {
  const { settings: old, ...first } = contentOf(before);
  const { settings: young, ...second } = contentOf(after);
  return [...differences(first as object, second as object), ...differences(old, young)];
}

/** What a version changed of the one before: the setting, or how many. */
function changeWord(version: AgentVersion, before: AgentVersion | undefined): string {
  if (before === undefined) return version.version === 1 ? "created" : "";
  const all = allDifferences(before, version);
  const [first] = all;
  if (first === undefined) return "";
  return all.length === 1 ? cut(shown(first.name), 40) : `${all.length} settings`;
}

function Changed({ before, after }: { before: AgentVersion; after: AgentVersion }) {
  const all = allDifferences(before, after);
  if (all.length === 0) return <p class="note">They are the same.</p>;
  return <SettingsDifference label={`v${before.version} to v${after.version}`} all={all} />;
}

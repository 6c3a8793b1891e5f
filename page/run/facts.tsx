import type { Run } from "../../client/types.ts";
import { hrefOf } from "../address.ts";
import { agentText } from "../agents.ts";
import { now } from "../now.ts";
import { ChangedFiles } from "../parts/changed-files.tsx";
import { Time } from "../parts/time.tsx";
import { tokensText, usdText } from "../words/amounts.ts";
import { tookMs } from "../words/sentence.ts";
import { shown } from "../words/shown.ts";
import { countedText, durationText } from "../words/time.ts";
import { percent } from "./bars.tsx";
import { Delivery, DeliveryCell } from "./delivery.tsx";
import { events } from "./live-run.ts";
import { originText } from "./origin.ts";
import { requestOf } from "./request.ts";

/**
 * What an attempt has used so far, by its runner's last count; what is over is counted in the run.
 */
function usedSoFar(run: Run): { costUsd: number | null; tokens: string | null } {
  const { usage } = run;
  if (usage !== null && run.done) {
    const { costUsd, inputTokens, outputTokens } = usage;
    const isKnown = inputTokens !== null && outputTokens !== null;
    return { costUsd, tokens: isKnown ? inOut(inputTokens, outputTokens) : null };
  }
  const told = events.value.findLast(({ event }) => event.type === "usage")?.event;
  if (told?.type !== "usage") return { costUsd: null, tokens: null };
  return { costUsd: told.costUsd, tokens: inOut(told.inputTokens, told.outputTokens) };
}

const inOut = (input: number, output: number): string =>
  `${tokensText(input)} in, ${tokensText(output)} out`;

function took(run: Run): string {
  const ms = tookMs(run, now.value);
  return run.done ? durationText(ms) : countedText(ms);
}

/** A limit as it was set: 20 m, 90 s. */
const limitText = (seconds: number): string => countedText(seconds * 1000).replace(" 00 s", "");

/** What a run has used of what it may use. */
interface Used {
  name: string;
  text: string;
  /** What it may use at most, as it is said; empty: that is not known. */
  of: string;
  /** How much of that it has used; null: that is not known, or it is over. */
  share: number | null;
}

function usedOf(run: Run): Used[] {
  const { costUsd, tokens } = usedSoFar(run);
  const turns = run.usage?.turns ?? run.progress?.turn ?? null;
  const { maxBudgetUsd, timeoutSeconds, maxTurns } = requestOf(run)?.settings ?? {};
  const share = (used: number, most: number | undefined) =>
    run.done || most === undefined ? null : Math.min(1, used / most);
  const ms = tookMs(run, now.value);
  const time = timeoutSeconds === undefined || run.done ? "" : limitText(timeoutSeconds);
  const used: (Used | false)[] = [
    { name: "Time", text: took(run), of: time, share: share(ms / 1000, timeoutSeconds) },
    costUsd !== null && {
      name: "Cost",
      text: usdText(costUsd),
      of: maxBudgetUsd === undefined ? "" : usdText(maxBudgetUsd),
      share: share(costUsd, maxBudgetUsd),
    },
    turns !== null && {
      name: run.done ? "Turns" : "Turn",
      text: String(turns),
      of: maxTurns === undefined ? "" : String(maxTurns),
      share: share(turns, maxTurns),
    },
    tokens !== null && { name: "Tokens", text: tokens, of: "", share: null },
  ];
  return used.filter((one) => one !== false);
}

/** Where a repository is, and what of it is taken. */
const placeText = ({ url, ref }: { url: string; ref?: string }): string =>
  `${url.replace(/^https:\/\/(www\.)?/, "")}${ref === undefined ? "" : `, ${ref}`}`;

/** What is asked of the run that says most: each only if it is known. */
function askedOf(run: Run): [string, string][] {
  const { model, repository, repositories = [], machineType } = requestOf(run)?.settings ?? {};
  const told: [string, string | undefined][] = [
    ["Agent", run.agent === null ? undefined : agentText(run)],
    ["Model", model],
    ["Repository", repository && placeText(repository)],
    ...repositories.map((one): [string, string] => [`In ${one.folder}`, placeText(one)]),
    ["Began with", originText(requestOf(run))],
    ["Attempt", String(run.attempt)],
    ["Machine", machineType],
    ["Sandbox", run.isolation ?? undefined],
    ["Labels", run.labelPairs.length > 0 ? run.labelPairs.join(", ") : undefined],
  ];
  return told.flatMap(([name, text]) => (text === undefined ? [] : [[name, shown(text)]]));
}

const Meter = ({ share }: { share: number }) => (
  <svg class="meter" aria-hidden="true">
    <rect class="well" width="100%" height="3" rx="1.5" />
    <rect class={share > 0.9 ? "fill warn" : "fill"} width={percent(share)} height="3" rx="1.5" />
  </svg>
);

/** The facts beside a run. */
export function Facts({ run }: { run: Run }) {
  return (
    <>
      <section>
        <dl class="facts">
          {run.finishedAt !== null && <Fact name="Ended">{<Time at={run.finishedAt} />}</Fact>}
          {usedOf(run).map(({ name, text, of, share }) => (
            <Fact key={name} name={name}>
              {text}
              {of !== "" && ` of ${of}`}
              {share !== null && <Meter share={share} />}
            </Fact>
          ))}
        </dl>
      </section>
      <Files run={run} />
      <Delivery run={run} />
      <section>
        <dl class="facts">
          <Fact name="Accepted">{<Time at={run.createdAt} />}</Fact>
          {askedOf(run).map(([name, text]) => (
            <Fact key={name} name={name}>
              {text}
            </Fact>
          ))}
          <Links run={run} />
        </dl>
      </section>
    </>
  );
}

function Links({ run: { conversation, parentRunId } }: { run: Run }) {
  return (
    <>
      <Fact name="Turn">
        {conversation.turn} of{" "}
        <a class="verb" href={hrefOf({ view: "conversations", id: conversation.id })}>
          its conversation
        </a>
      </Fact>
      {parentRunId !== null && (
        <Fact name="After">
          <a class="verb" href={hrefOf({ run: parentRunId })}>
            the run before
          </a>
        </Fact>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** As many changed files as are named beside a run; the tab has all. */
const MOST_FILES = 20;

function Files({ run: { output, changes, done } }: { run: Run }) {
  const files = output?.changedFiles ?? [];
  if (files.length === 0) {
    if (changes === null || changes.files === 0) return null;
    return (
      <section>
        <h2>{done ? "Changed" : "Changed so far"}</h2>
        <p class="small ink2">
          {changes.files} files, +{changes.added} −{changes.removed}
        </p>
      </section>
    );
  }
  const more = files.length - MOST_FILES + (output?.moreChangedFiles ?? 0);
  return (
    <section>
      <h2>Changed</h2>
      <ChangedFiles files={files.slice(0, MOST_FILES)} />
      {more > 0 && <p class="small ink3">and {more} more</p>}
    </section>
  );
}

/** Facts that a telephone has no room for. */
const WIDE_ONLY = ["Attempt", "Machine", "Sandbox", "Labels", "Turns", "Tokens"];

/** The same in a row: of a run that ended well, and wherever there is no room beside it. */
export function Strip({ run }: { run: Run }) {
  const roomOf = (name: string) => (WIDE_ONLY.includes(name) ? "x2" : "");
  return (
    <div class="only-narrow facts-narrow">
      <dl class="strip">
        {usedOf(run)
          .filter(({ name }) => !run.done || name !== "Time")
          .map(({ name, text, of }) => (
            <div key={name} class={roomOf(name)}>
              <dt>{name}</dt>
              <dd>
                {text} {of !== "" && <span class="small ink3">of {of}</span>}
              </dd>
            </div>
          ))}
        {askedOf(run).map(([name, text]) => (
          <div key={name} class={roomOf(name)}>
            <dt>{name}</dt>
            <dd class="cut">{text}</dd>
          </div>
        ))}
        <DeliveryCell run={run} />
        <div>
          <Links run={run} />
        </div>
        {run.finishedAt !== null && (
          <div>
            <dt>Ended</dt>
            <dd>
              <Time at={run.finishedAt} />
            </dd>
          </div>
        )}
      </dl>
    </div>
  );
}

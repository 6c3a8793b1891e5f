import type { Run } from "../../../client/types.ts";
import { shown } from "../../words/shown.ts";
import { requestOf, whyNoRequest } from "../request.ts";

/** Of a longer prompt the beginning is shown, in characters. */
const MOST_PROMPT = 20_000;

/** What was asked, with each default filled in. */
export function Request({ run }: { run: Run }) {
  const request = requestOf(run);
  const why = whyNoRequest(run);
  if (why !== null) return <p class="note bad">{why}</p>;
  if (request === null) return <p class="note late">Loading.</p>;
  const { prompt, settings, agent, labels } = request;
  const more = prompt.length - MOST_PROMPT;
  return (
    <section aria-label="Request">
      <p class="says lines asked-text">{shown(prompt.slice(0, MOST_PROMPT))}</p>
      {more > 0 && <p class="note">… and {more.toLocaleString("en")} more characters.</p>}
      <pre class="more">{shown(JSON.stringify({ agent, settings, labels }, null, 2))}</pre>
    </section>
  );
}

import type { Run } from "../../client/types.ts";
import { resultsOf } from "../../shared/delivery/results.ts";
import { shown } from "../words/shown.ts";

type Repository = NonNullable<Run["repository"]>;

/** A pull request's number, and how it was. Of what a host says only the web's addresses count. */
function PullRequest({ pullRequest }: { pullRequest: NonNullable<Repository["pullRequest"]> }) {
  const { number, url, state } = pullRequest;
  const isOfWeb = url.startsWith("https://");
  return (
    <>
      {isOfWeb ? (
        <a class="verb" href={url} target="_blank" rel="noreferrer">
          #{number}
        </a>
      ) : (
        `#${number}`
      )}{" "}
      {state}
    </>
  );
}

/** Whether there is more to be said than where it is. */
const isPlain = ({ delivery, conflict }: Repository): boolean =>
  delivery === "done" && conflict !== true;

/** What became of a run's changes in its repository, or in each of several, beside it. */
export function Delivery({ run }: { run: Run }) {
  return resultsOf(run).map((result) => {
    const { folder, branch, pullRequest, why } = result;
    return (
      <section key={folder}>
        <h2>{folder === undefined ? "Delivered" : `Delivered from ${shown(folder)}`}</h2>
        <dl class="facts">
          <dt>Branch</dt>
          <dd>{shown(branch)}</dd>
          {pullRequest !== null && (
            <>
              <dt>Pull request</dt>
              <dd>
                <PullRequest pullRequest={pullRequest} />
              </dd>
            </>
          )}
        </dl>
        {!isPlain(result) && <p class="small ink2">{shown(why)}</p>}
      </section>
    );
  });
}

/** The same in the row of a run that ended well. */
export function DeliveryCell({ run }: { run: Run }) {
  return resultsOf(run).map((result) => {
    const { folder, branch, pullRequest, why, delivery } = result;
    const from = folder === undefined ? "" : ` from ${shown(folder)}`;
    return (
      <div key={folder}>
        <dt>{delivery === "done" ? `Delivered${from}` : `Delivery${from} ${shown(delivery)}`}</dt>
        <dd>
          {pullRequest === null ? shown(branch) : <PullRequest pullRequest={pullRequest} />}
          {!isPlain(result) && <span class="small ink3"> {shown(why)}</span>}
        </dd>
      </div>
    );
  });
}

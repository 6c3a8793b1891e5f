import { hrefOf, type View } from "../address.ts";
import { shown } from "../words/shown.ts";

interface MissingProps {
  /** What it is, with an article's place: agent. */
  noun: string;
  view: View;
  id: string;
  why: string;
  /** Whether the API says that there is none. */
  isMissing: boolean;
}

/** Stands where something would be that is not there, or could not be loaded. */
export const Missing = ({ noun, view, id, why, isMissing }: MissingProps) => (
  <main class="page">
    <div class="mid">
      <h1>{isMissing ? `There is no such ${noun}` : `This ${noun} could not be loaded`}</h1>
      <p class="ink2">
        <code>{shown(id)}</code>
      </p>
      <p class="small ink3">{shown(why)}</p>
      <a class="button" href={hrefOf({ view })}>
        All {noun}s
      </a>
    </div>
  </main>
);

import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Run } from "../../client/types.ts";
import { api } from "../session.ts";
import { bytesText } from "../words/amounts.ts";
import { shown } from "../words/shown.ts";
import type { Piece } from "./markdown.ts";
import { saveContent } from "./save.ts";

const WHOLE = "result.json";

/** How long the whole answer is, as far as that is known. */
function sizeText({ artifacts }: Run): string {
  const whole = artifacts.find(({ name }) => name === WHOLE);
  return whole === undefined ? "" : `: ${bytesText(whole.sizeBytes)}`;
}

function drawn(piece: Piece): ComponentChildren {
  return typeof piece === "string"
    ? piece
    : h(piece.name, piece.attributes, ...piece.inner.map(drawn));
}

/** What the agent answered: markdown of a stranger's, drawn when what draws it has come. */
export function Answer({ run }: { run: Run }) {
  const { text = "", structured = null, truncated = false } = run.output ?? {};
  const [pieces, setPieces] = useState<Piece[]>([]);
  useEffect(() => {
    let isHere = true;
    void import("./markdown.ts").then(({ markdown }) => {
      if (isHere) setPieces(markdown(text));
    });
    return () => {
      isHere = false;
    };
  }, [text]);
  return (
    <section class="answer-text" aria-label="Answer">
      {truncated && (
        <p class="note">
          The answer is longer{sizeText(run)}. Its beginning is shown.{" "}
          <button
            type="button"
            class="verb"
            onClick={() => void saveContent(() => api().runs.artifact(run.id, WHOLE), WHOLE)}
          >
            Download {WHOLE}
          </button>
        </p>
      )}
      {structured !== null && <pre class="more">{shown(JSON.stringify(structured, null, 2))}</pre>}
      <div class="markdown">{pieces.map(drawn)}</div>
    </section>
  );
}

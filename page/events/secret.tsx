import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { said } from "../parts/said.ts";
import { say } from "../parts/toast.tsx";

/** A secret that was made just now, and whose: no answer after that one has it. */
const made = signal<{ id: string; secret: string } | null>(null);

/** Keeps what an answer alone has until somebody leaves the view of whose it is. */
export function keepSecret({ id, secret }: { id: string; secret?: string }): void {
  if (secret !== undefined) made.value = { id, secret };
}

/** Shows a secret once. */
export function Secret({ id }: { id: string }) {
  const forget = () => {
    made.value = null;
  };
  useEffect(() => forget, [id]);
  const secret = made.value?.id === id ? made.value.secret : undefined;
  if (secret === undefined) return null;
  return (
    <section class="verdict mild" aria-label="Secret">
      <h2>This is its secret: it is shown only now</h2>
      <p>
        <code class="lines">{secret}</code>
      </p>
      <div class="row">
        <button type="button" class="button" onClick={() => void copy(secret)}>
          Copy
        </button>
        <button type="button" class="button" onClick={forget}>
          I have it
        </button>
      </div>
    </section>
  );
}

async function copy(text: string): Promise<void> {
  const copying = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
  const isCopied = await said(
    copying.then(() => true),
    undefined,
  );
  if (isCopied) say("Copied.");
}

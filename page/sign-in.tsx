import { signal } from "@preact/signals";
import { ProblemError } from "../client/problem-error.ts";
import { googleClientId, goToGoogle } from "./google.ts";
import { faultOf, isComingIn, signedOut, signIn } from "./session.ts";

const fault = signal<string | null>(null);
const isTrying = signal(false);

async function tryKey(given: string): Promise<void> {
  if (isTrying.value || given === "") return;
  isTrying.value = true;
  try {
    await signIn(given);
    fault.value = null;
  } catch (error) {
    const isWrong = error instanceof ProblemError && error.code === "unauthorized";
    fault.value = isWrong ? "The API does not take this key." : faultOf(error);
  } finally {
    isTrying.value = false;
  }
}

/** What is seen by whoever is not signed in, or no longer. */
export function SignIn() {
  const clientId = googleClientId();
  if (isComingIn.value) {
    return (
      <main class="page">
        <p class="mid ink2" role="status">
          Signing you in.
        </p>
      </main>
    );
  }
  return (
    <main class="page">
      <div class="mid">
        <h1>{signedOut.value?.title ?? "Runyard"}</h1>
        {signedOut.value !== null && <p>{signedOut.value.why}</p>}
        {clientId !== undefined && (
          <button type="button" class="button first" onClick={() => goToGoogle(clientId)}>
            Sign in with Google
          </button>
        )}
        <p class="ink2">
          {clientId !== undefined && "Or with a key. "}Make one with{" "}
          <code>npx runyard keys create</code>, or take that of the local server from{" "}
          <code>.runyard/key</code>; it stays in this tab.
        </p>
        <form
          class="row sign-in"
          onSubmit={(event) => {
            event.preventDefault();
            const input = event.currentTarget.elements.namedItem("key") as HTMLInputElement;
            void tryKey(input.value.trim());
          }}
        >
          <label class="grow">
            <span class="sr">Key</span>
            <input
              name="key"
              type="password"
              class="field"
              placeholder="Key"
              autocomplete="off"
              aria-invalid={fault.value !== null}
            />
          </label>
          <button
            type="submit"
            class={clientId === undefined ? "button first" : "button"}
            disabled={isTrying.value}
          >
            Sign in
          </button>
        </form>
        <p class="bad small" role="alert">
          {fault.value}
        </p>
      </div>
    </main>
  );
}

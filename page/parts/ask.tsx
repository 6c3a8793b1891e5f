import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

interface Question {
  question: string;
  /** What the button says that does it. */
  verb: string;
  onYes(): void;
}

const asked = signal<Question | null>(null);

/** Asks before something that cannot be taken back. */
export function ask(question: Question): void {
  asked.value = question;
}

export function AskPlace() {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asked.value;
  useEffect(() => {
    if (question !== null) dialog.current?.showModal();
  }, [question]);
  if (question === null) return null;
  const close = () => {
    asked.value = null;
  };
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="ask-title" onClose={close}>
      <h2 id="ask-title">{question.question}</h2>
      <div class="row">
        <button
          type="button"
          class="button first"
          onClick={() => {
            dialog.current?.close();
            question.onYes();
          }}
        >
          {question.verb}
        </button>
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Leave it
        </button>
      </div>
    </dialog>
  );
}

import { signal } from "@preact/signals";
import { Icon } from "./icon.tsx";

interface Toast {
  text: string;
  isBad: boolean;
  link?: { href: string; word: string } | undefined;
}

const SHOWN_MS = 6000;
const toast = signal<Toast | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says something for six seconds; one thing at a time. */
export function say(
  text: string,
  { isBad = false, link }: Partial<Omit<Toast, "text">> = {},
): void {
  toast.value = { text, isBad, link };
  restart();
}

function stop(): void {
  clearTimeout(timer);
}

function restart(): void {
  stop();
  timer = setTimeout(() => {
    toast.value = null;
  }, SHOWN_MS);
}

export function ToastPlace() {
  const shown = toast.value;
  return (
    <div role="status">
      {shown && (
        // biome-ignore lint/a11y/noStaticElementInteractions: it only stays for longer
        <div
          class="toast"
          onMouseEnter={stop}
          onMouseLeave={restart}
          onFocusIn={stop}
          onFocusOut={restart}
        >
          <Icon name={shown.isBad ? "failed" : "succeeded"} tone={shown.isBad ? "bad" : "ok"} />
          <span>{shown.text}</span>
          {shown.link && (
            <a class="verb" href={shown.link.href}>
              {shown.link.word}
            </a>
          )}
        </div>
      )}
    </div>
  );
}

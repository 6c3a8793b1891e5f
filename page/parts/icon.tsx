import type { Mark } from "../words/status.ts";

/** A sign of the page's sprite; decoration unless it has a label. */
export function Icon({ name, tone = "", label }: { name: string; tone?: string; label?: string }) {
  const use = <use href={`#${name}`} />;
  if (label === undefined) {
    return (
      <svg class={`i ${tone}`} aria-hidden="true">
        {use}
      </svg>
    );
  }
  return (
    <svg class={`i ${tone}`} role="img" aria-label={label}>
      {use}
    </svg>
  );
}

export const StatusMark = ({ mark: { icon, tone, word } }: { mark: Mark }) => (
  <Icon name={icon} tone={tone} label={word} />
);

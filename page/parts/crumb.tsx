import type { ComponentChildren } from "preact";
import { hrefOf, type View } from "../address.ts";
import { Icon } from "./icon.tsx";

interface CrumbProps {
  view: View;
  /** What all of them are called. */
  word: string;
  children: ComponentChildren;
}

/** The way back to all of a kind, and what is looked at. */
export const Crumb = ({ view, word, children }: CrumbProps) => (
  <p class="crumb">
    <a href={hrefOf({ view })}>{word}</a>
    <Icon name="right" />
    {children}
  </p>
);

import { hrefOf } from "../address.ts";
import { Icon } from "../parts/icon.tsx";

/** The way back to all agents, and what is looked at. */
export const Crumb = ({ children }: { children: preact.ComponentChildren }) => (
  <p class="crumb">
    <a href={hrefOf({ view: "agents" })}>Agents</a>
    <Icon name="right" />
    {children}
  </p>
);

import { effect } from "@preact/signals";
import { render } from "preact";
import { onLink, openAddress } from "./address.ts";
import { loadAgents } from "./agents.ts";
import { startKeys } from "./keys.ts";
import { runs } from "./list/live-runs.ts";
import { startNotifying } from "./list/notify.ts";
import { openUnread } from "./list/unread.ts";
import { startClock } from "./now.ts";
import { startTelling } from "./parts/live-region.tsx";
import { key, startSession } from "./session.ts";
import { Shell } from "./shell.tsx";
import { loadUsual } from "./usual.ts";

startSession();
openAddress();
openUnread();
startClock();
startKeys();
startTelling();
startNotifying();
document.addEventListener("click", onLink);
effect(() => {
  if (key.value === null) return;
  void loadAgents();
  void loadUsual();
});
effect(() => {
  const atWork = [...runs.value.values()].filter(({ done }) => !done).length;
  document.title = atWork > 0 ? `(${atWork}) Runyard` : "Runyard";
});
const place = document.getElementById("page");
if (place !== null) render(<Shell />, place);

import type { Run } from "../../client/types.ts";
import { checksOf } from "./checks.ts";

export interface Tab {
  name:
    | "answer"
    | "transcript"
    | "changes"
    | "checks"
    | "logs"
    | "artifacts"
    | "request"
    | "deliveries";
  word: string;
  count: number;
}

/** The tabs that a run has something for. */
export function tabsOf(run: Run): Tab[] {
  const { output, changes, artifacts, done } = run;
  const hasAnswer = output !== null && (output.text !== "" || output.structured !== null);
  const files = changes?.files ?? 0;
  const checks = checksOf(run).length;
  const tabs: (Tab | false)[] = [
    hasAnswer && { name: "answer", word: "Answer", count: 0 },
    { name: "transcript", word: "Transcript", count: 0 },
    done && files > 0 && { name: "changes", word: "Changes", count: files },
    checks > 0 && { name: "checks", word: "Checks", count: checks },
    { name: "logs", word: "Logs", count: 0 },
    artifacts.length > 0 && { name: "artifacts", word: "Artifacts", count: artifacts.length },
    { name: "request", word: "Request", count: 0 },
    { name: "deliveries", word: "Deliveries", count: 0 },
  ];
  return tabs.filter((tab) => tab !== false);
}

/** The tab that is open: the one that is asked for, else what came of the run, else how it goes. */
export function openTab(run: Run, asked: string | null): Tab["name"] {
  const tabs = tabsOf(run);
  const found = tabs.find(({ name }) => name === asked);
  if (found !== undefined) return found.name;
  if (run.verdict?.outcome === "checks_failed") return "checks";
  if (run.status !== "succeeded") return "transcript";
  return (tabs.find(({ name }) => name === "changes") ?? tabs[0])?.name ?? "transcript";
}

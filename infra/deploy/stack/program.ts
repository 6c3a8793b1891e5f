// Makes the resources of a plan. A package of its own, started by infra/deploy/engine.ts with the
// plan on standard input; the resources' classes come with @pulumi/gcp.
import { readFileSync } from "node:fs";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";
import type { Resource } from "../resource.ts";
import { makeResources } from "./resources.ts";

/** What is asked for, as JSON on standard input. */
interface Order {
  action: "preview" | "up" | "destroy";
  /** `gs://BUCKET` of the state. */
  backend: string;
  project: string;
  resources: readonly Resource[];
}

const order = JSON.parse(readFileSync(0, "utf8")) as Order;
const stack = await LocalWorkspace.createOrSelectStack(
  { stackName: "runyard", projectName: "runyard", program: () => makeResources(order.resources) },
  {
    projectSettings: { name: "runyard", runtime: "nodejs", backend: { url: order.backend } },
    // Nothing of the plan is a secret; what Pulumi would encrypt it has no passphrase for.
    envVars: { PULUMI_CONFIG_PASSPHRASE: "", GOOGLE_CLOUD_PROJECT: order.project },
  },
);
const onOutput = (text: string): void => void process.stdout.write(text);
// What was changed by hand is seen, and made again.
const options = { onOutput, refresh: true };
switch (order.action) {
  case "preview":
    await stack.preview(options);
    break;
  case "up":
    await stack.up(options);
    break;
  case "destroy":
    await stack.destroy({ onOutput });
    break;
}

import type { Run } from "../../../client/types.ts";
import { api } from "../../session.ts";
import { Deliveries } from "../../webhooks/deliveries.tsx";

/** What webhooks were told of a run. */
export const RunDeliveries = ({ run: { id } }: { run: Run }) => (
  <Deliveries of={id} list={(options) => api().runs.deliveries(id, options)} hasWebhooks />
);

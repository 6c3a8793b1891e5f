import http from "node:http";
import https from "node:https";

/** The status codes that acknowledge a push; every other one is a nack. */
const ACK_CODES: readonly number[] = [102, 200, 201, 202, 204];

/** Connections to push endpoints, kept open between pushes. */
export interface PushAgents {
  http: http.Agent;
  https: https.Agent;
}

/** One message for an endpoint. */
export interface Push {
  endpoint: string;
  body: string;
  /** ID token that says who pushes. */
  idToken?: string | undefined;
}

/** How a push went. */
export type PushOutcome = "acknowledged" | "nacked" | "unreachable";

/** A push under way. */
export interface PushRequest {
  /** Gives it up; its outcome is not reported any more. */
  abort(): void;
}

export function createPushAgents(): PushAgents {
  return { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
}

export function closePushAgents(agents: PushAgents): void {
  agents.http.destroy();
  agents.https.destroy();
}

/** Posts a push and reports its outcome once. */
export function startPushRequest(
  agents: PushAgents,
  push: Push,
  report: (outcome: PushOutcome) => void,
): PushRequest {
  let request: http.ClientRequest | undefined;
  let isOver = false;
  function finish(outcome: PushOutcome): void {
    if (isOver) return;
    isOver = true;
    report(outcome);
  }
  function send(): void {
    const sent = post(agents, push);
    request = sent;
    sent.on("information", ({ statusCode }) => {
      if (ACK_CODES.includes(statusCode)) finish("acknowledged");
    });
    sent.on("response", (response) => {
      response.on("error", () => {});
      response.resume();
      finish(ACK_CODES.includes(response.statusCode ?? 0) ? "acknowledged" : "nacked");
    });
    sent.on("error", () => {
      // The endpoint closed an idle connection at the moment we used it: that says nothing about
      // it.
      if (sent.reusedSocket && !isOver) send();
      else finish("unreachable");
    });
  }
  send();
  return {
    abort() {
      isOver = true;
      request?.destroy();
    },
  };
}

function post(agents: PushAgents, push: Push): http.ClientRequest {
  const isSecure = push.endpoint.startsWith("https:");
  const options = {
    method: "POST",
    agent: isSecure ? agents.https : agents.http,
    headers: {
      accept: "application/json",
      ...(push.idToken !== undefined && { authorization: `Bearer ${push.idToken}` }),
      "content-length": Buffer.byteLength(push.body),
      "content-type": "application/json",
      from: "noreply@google.com",
      "user-agent": "CloudPubSub-Google",
    },
  };
  return (isSecure ? https : http).request(push.endpoint, options).end(push.body);
}

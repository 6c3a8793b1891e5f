import { http } from "@google-cloud/functions-framework";

// The least that a function can do: what functions-framework itself costs.
http("hello", (_request, response) => {
  response.json({ status: "ok" });
});

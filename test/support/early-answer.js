// Loaded before anything else in each of jest's processes. When one of jest-light-runner's (0.8.2)
// asks for what it shall work on, all are answered, and none of them again: who asks a moment later
// would wait for ever. So an answer that comes before anybody listens is kept for whoever does.
let kept;

process.on("message", (message) => {
  if (message?.type === "jest-light-runner-worker-data") kept = message;
});
process.on("newListener", (event, listener) => {
  if (event === "message" && kept !== undefined) setImmediate(listener, kept);
});

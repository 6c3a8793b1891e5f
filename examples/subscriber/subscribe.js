import { PubSub } from "@google-cloud/pubsub";

const [name = ""] = process.argv.slice(2);
if (!/^[a-z][\w-]{2,}$/i.test(name)) {
  console.error("Name the subscription, such as my-runs");
  process.exit(1);
}

const pubsub = new PubSub({ projectId: "runyard-local" });
const subscription = pubsub.subscription(name);
const [isThere] = await subscription.exists();
if (!isThere) {
  // Without this it is removed when nobody has used it for a month.
  const options = { filter: 'attributes.done = "true"', expirationPolicy: {} };
  await pubsub.topic("run-events").createSubscription(name, options);
}

// An event may come twice, with the same id.
const seen = new Set();
subscription.on("message", (message) => {
  const { "ce-id": id, "ce-type": type } = message.attributes;
  if (!seen.has(id)) {
    const run = JSON.parse(message.data.toString());
    console.log(type, run.id, run.output?.text ?? run.why);
  }
  seen.add(id);
  message.ack();
});
subscription.on("error", (error) => console.error(`The subscription broke off: ${error.message}`));
console.log(`Listening on ${name}. Ctrl-C ends.`);

// A subscription waits in silence for a Pub/Sub that is away, and goes on when it is back. So that
// people know, Pub/Sub is asked each second, which costs nothing.
let isAsked = false;
let isAway = false;
const asking = setInterval(() => {
  if (isAsked) return;
  isAsked = true;
  const late = setTimeout(unanswered, 800);
  const over = () => {
    clearTimeout(late);
    isAsked = false;
  };
  subscription.exists().then(answered, unanswered).finally(over);
}, 1000);

function unanswered() {
  if (!isAway) console.error("Pub/Sub does not answer. Is its server there (npm start)? Waiting.");
  isAway = true;
}

function answered() {
  if (isAway) console.error("Pub/Sub answers again.");
  isAway = false;
}

process.once("SIGINT", () => {
  clearInterval(asking);
  console.error(
    `What happens meanwhile is kept for a week: come back with the same name, ${name}.`,
  );
  void subscription.close().then(() => process.exit(0));
});

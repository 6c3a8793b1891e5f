import { Firestore } from "@google-cloud/firestore";

const [id = ""] = process.argv.slice(2);
if (!/^run_[0-9A-Za-z]+$/.test(id)) {
  console.error("Name a run by its id, such as run_2MApo7WXve5lCHoJCSaJKN");
  process.exit(1);
}

const firestore = new Firestore({ projectId: "runyard-local" });
const document = firestore.doc(`runs/${id}`);
const stop = document.onSnapshot(
  (snapshot) => {
    const run = snapshot.data();
    console.log(run?.status ?? `there is no run ${id}`, run?.progress?.text ?? run?.why ?? "");
    if (run?.done ?? true) end(0);
  },
  (error) => {
    console.error(`The listener broke off: ${error.message}`);
    end(1);
  },
);

// A listener waits in silence for a Firestore that is away, and goes on when it is back. So that
// people know, Firestore is asked each second, which costs a read.
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
  document.get().then(answered, unanswered).finally(over);
}, 1000);

function unanswered() {
  if (!isAway)
    console.error("Firestore does not answer. Is its server there (npm start)? Waiting.");
  isAway = true;
}

function answered() {
  if (isAway) console.error("Firestore answers again.");
  isAway = false;
}

process.once("SIGINT", () => {
  console.error(`No longer listening to ${id}, which goes on. Run this again to see how.`);
  end(130);
});

function end(code) {
  clearInterval(asking);
  stop();
  process.exit(code);
}

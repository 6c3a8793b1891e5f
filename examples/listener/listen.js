import { Firestore } from "@google-cloud/firestore";

const firestore = new Firestore({ projectId: "runyard-local" });
const stop = firestore.doc(`runs/${process.argv[2]}`).onSnapshot((snapshot) => {
  const run = snapshot.data();
  console.log(run?.status ?? "no such run", run?.progress?.text ?? run?.why ?? "");
  if (run?.done ?? true) stop();
});

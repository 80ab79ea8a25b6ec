import "speech-emotion-element";
import { Client, type Prediction } from "speech-emotion-extractor";

const element = document.querySelector("speech-emotion")!;
for (const [name, value] of new URLSearchParams(location.search)) element.setAttribute(name, value);

element.addEventListener("emotion", ({ detail }) => {
  const best = detail.results.reduce((a, b) => (b.prediction > a.prediction ? b : a));
  document.querySelector("#told")!.textContent = `${detail.networkType}: ${best.emotionType}`;
});

/** Asks the server with the extractor alone. */
async function ask(address: string, network: string, samples: number[]): Promise<Prediction> {
  const client = await Client.connect(address);
  return client.predict(network, await client.extract(new Float32Array(samples)));
}

Object.assign(globalThis, { ask });

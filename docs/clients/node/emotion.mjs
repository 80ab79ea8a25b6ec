// Recognises the emotion in a WAV file: node emotion.mjs SERVER RECORDING
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";

ort.env.wasm.numThreads = 1;
const [server, path] = process.argv.slice(2);

async function ask(path, body) {
  const request = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(server + path, request);
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer;
}

// 16-bit PCM to samples in [-1, 1], the channels interleaved
function decoded(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const name = (at) => String.fromCharCode(...file.subarray(at, at + 4));
  let rate, channels, bits;
  for (let at = 12; at + 8 <= file.length; at += 8 + view.getUint32(at + 4, true)) {
    if (name(at) === "fmt ") {
      [channels, rate] = [view.getUint16(at + 10, true), view.getUint32(at + 12, true)];
      bits = view.getUint16(at + 22, true);
    } else if (name(at) === "data" && bits === 16) {
      const end = Math.min(file.length, at + 8 + view.getUint32(at + 4, true));
      const count = Math.floor((end - at - 8) / 2 / channels) * channels;
      const sample = (_, index) => view.getInt16(at + 8 + 2 * index, true) / 32768;
      return { rate, channels, samples: Float32Array.from({ length: count }, sample) };
    }
  }
  throw new Error("The recording is no WAV file of 16 bits; ffmpeg -i IN -sample_fmt s16 OUT.wav");
}

const handshake = await (await ask("/init/configuration")).json();
const sessions = new Map();

async function extractor(rate) {
  const file = handshake.recordings.extractors.find(({ sampleRate }) => sampleRate === rate);
  if (!file) throw new Error(`There is no extractor for ${rate} Hz; resample to a higher rate.`);
  if (!sessions.has(rate)) {
    const graph = new Uint8Array(await (await ask(file.url)).arrayBuffer());
    if (createHash("sha256").update(graph).digest("hex") !== file.sha256)
      throw new Error("The extractor has another hash than the handshake says.");
    sessions.set(rate, await ort.InferenceSession.create(graph));
  }
  return sessions.get(rate);
}

function rows({ data, dims: [count, width] }) {
  const row = (_, index) => [...data.subarray(index * width, (index + 1) * width)];
  return Array.from({ length: count }, row);
}

async function features(file) {
  const { rate, channels, samples } = decoded(file);
  const audio = new ort.Tensor("float32", samples, [samples.length / channels, channels]);
  const { frames, prosody } = await (await extractor(rate)).run({ audio });
  return { mfccs: rows(frames), prosody: rows(prosody) };
}

for (const { name, url } of handshake.references) {
  const clip = new Uint8Array(await (await ask(url)).arrayBuffer());
  const answer = await ask("/init/verification", { ...(await features(clip)), reference: name });
  const { verdict, prosody } = await answer.json();
  console.log(`${name}: ${verdict}, prosody: ${prosody.verdict}`);
}
const prediction = await ask("/prediction/TCN", await features(await readFile(path)));
console.log(await prediction.text());

/** The microphone as a stream of samples. */

import type { Channel } from "../clip.js";
import { Fault, type FaultKind } from "../faults.js";
import captureUrl from "./capture.worklet.ts?worker&url";

const MOST_CHANNELS = 2;
const RESUME_MS = 1_000;
const FIRST_BLOCK_MS = 2_000;
/** The processing that browsers apply for calls would change the features. */
const CONSTRAINTS = {
  audio: {
    channelCount: { ideal: MOST_CHANNELS },
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
  },
};

const FAULTS: Record<string, FaultKind> = {
  NotAllowedError: "microphone-refused",
  SecurityError: "microphone-refused",
  NotFoundError: "microphone-missing",
  OverconstrainedError: "microphone-missing",
};

/** The samples of each channel. */
export type Block = readonly Channel[];

/** An open microphone. */
export class Microphone {
  readonly #context: AudioContext;
  /** Referenced here so that the browser does not garbage-collect it. */
  readonly #source: MediaStreamAudioSourceNode;

  private constructor(context: AudioContext, source: MediaStreamAudioSourceNode) {
    this.#context = context;
    this.#source = source;
  }

  /** Sample rate of the blocks, in Hz. */
  get sampleRate(): number {
    return this.#context.sampleRate;
  }

  /**
   * Asks the user for permission and opens the microphone.
   *
   * @param receive is called with each block: the samples of one or two channels, in [-1, 1]
   * @param ended is called when the device is disconnected
   * @throws Fault of a "microphone-" kind
   */
  static async open(receive: (block: Block) => void, ended: () => void): Promise<Microphone> {
    const stream = await requestStream();
    const context = new AudioContext(optionsFor(stream));
    try {
      await context.audioWorklet.addModule(captureUrl);
      const capture = new AudioWorkletNode(context, "capture", {
        numberOfOutputs: 0,
        channelCount: MOST_CHANNELS,
        channelCountMode: "clamped-max",
      });
      capture.port.onmessage = ({ data }: MessageEvent<Block>) => receive(data);
      const source = context.createMediaStreamSource(stream);
      source.connect(capture);
      stream.getAudioTracks()[0]?.addEventListener("ended", ended);
      await checkStarted(context, capture);
      return new Microphone(context, source);
    } catch (error) {
      await release(context, stream);
      if (error instanceof Fault) throw error;
      throw new Fault({ kind: "microphone-failed", detail: String(error) });
    }
  }

  async close(): Promise<void> {
    await release(this.#context, this.#source.mediaStream);
  }
}

/**
 * Without a device for output Firefox's promise never settles, and some microphones give nothing.
 *
 * @throws Fault of kind "microphone-idle"
 */
async function checkStarted(context: AudioContext, capture: AudioWorkletNode): Promise<void> {
  const late = new Promise<"late">((resolve) => setTimeout(resolve, RESUME_MS, "late"));
  if ((await Promise.race([context.resume(), late])) !== "late") return;
  await new Promise<void>((resolve, reject) => {
    setTimeout(() => reject(new Fault({ kind: "microphone-idle" })), FIRST_BLOCK_MS);
    capture.port.addEventListener("message", () => resolve(), { once: true });
  });
}

/** The device's own sample rate, so that the browser does not resample. */
function optionsFor(stream: MediaStream): AudioContextOptions {
  const { sampleRate } = stream.getAudioTracks()[0]?.getSettings() ?? {};
  const decodable = sampleRate !== undefined && sampleRate >= 8_000 && sampleRate <= 96_000;
  return decodable ? { sampleRate } : {};
}

async function requestStream(): Promise<MediaStream> {
  // Browsers have no mediaDevices on pages that another machine serves over HTTP.
  if (!globalThis.isSecureContext) throw new Fault({ kind: "microphone-insecure" });
  try {
    return await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
  } catch (error) {
    const { name, message } = error as DOMException;
    throw new Fault({ kind: FAULTS[name] ?? "microphone-failed", detail: message });
  }
}

async function release(context: AudioContext, stream: MediaStream): Promise<void> {
  for (const track of stream.getTracks()) track.stop();
  await context.close();
}

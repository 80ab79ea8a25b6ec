/** The microphone as a stream of samples. */

import { Fault, type FaultKind } from "../faults.js";
import captureUrl from "./capture.worklet.ts?worker&url";

/** What a browser does for telephony would change the features. */
const CONSTRAINTS = {
  audio: {
    channelCount: 1,
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

/** An open microphone. */
export class Microphone {
  readonly #context: AudioContext;
  /** Held, since a browser may collect a source that nobody refers to, and silence would follow. */
  readonly #source: MediaStreamAudioSourceNode;

  private constructor(context: AudioContext, source: MediaStreamAudioSourceNode) {
    this.#context = context;
    this.#source = source;
  }

  /** Hz, the device's own: see decode.ts. */
  get sampleRate(): number {
    return this.#context.sampleRate;
  }

  /**
   * Asks the user for the microphone and opens it.
   *
   * @param receive takes each block of samples, mono in [-1, 1]
   * @param ended is called where the device goes away
   * @throws Fault of a "microphone-" kind
   */
  static async open(
    receive: (block: Float32Array) => void,
    ended: () => void,
  ): Promise<Microphone> {
    const stream = await askFor();
    const context = new AudioContext();
    try {
      await context.audioWorklet.addModule(captureUrl);
      const capture = new AudioWorkletNode(context, "capture", {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
      });
      capture.port.onmessage = ({ data }: MessageEvent<Float32Array>) => receive(data);
      const source = context.createMediaStreamSource(stream);
      source.connect(capture);
      stream.getAudioTracks()[0]?.addEventListener("ended", ended);
      await context.resume();
      return new Microphone(context, source);
    } catch (error) {
      await release(context, stream);
      throw new Fault({ kind: "microphone-failed", detail: String(error) });
    }
  }

  async close(): Promise<void> {
    await release(this.#context, this.#source.mediaStream);
  }
}

async function askFor(): Promise<MediaStream> {
  // Missing where the page came over plain HTTP from another machine.
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

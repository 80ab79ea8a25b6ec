/** Recordings and live listening: loaded after the first view, which needs neither. */

import type { Features } from "speech-emotion-extractor";

import { decode } from "./audio/decode.js";
import { encodeWav } from "./audio/wav.js";
import type { Sound } from "./clip.js";
import { ClipMode } from "./clips/clip-mode.js";
import type { Source } from "./clips/entry.js";
import { LiveMode } from "./live/live-mode.js";
import type { Predictor } from "./predictor.js";
import { input } from "./strings/index.js";
import { CaptureDisplay } from "./view/capture.js";
import { ClipList } from "./view/clips/list.js";
import type { NetworkChoice } from "./view/networks/networks.js";
import type { Notice } from "./view/notice.js";
import { Result } from "./view/result/result.js";

export interface ModeListener {
  /** Called with each recording that was predicted, and its features. */
  analysed(clips: readonly Features[], original: Blob): void;
  /** Called when the recordings but the shown one are forgotten. */
  cleared(): void;
  /** Called when a clip is to be shown while it listens. */
  stopLive(): Promise<void>;
  /** Called when the microphone ends while it listens. */
  microphoneLost(): void;
}

export class Modes {
  readonly clip: ClipMode;
  readonly live: LiveMode;
  readonly #listener: ModeListener;
  #recordings = 0;

  constructor(
    predictor: Predictor,
    notice: Notice,
    networks: NetworkChoice,
    listener: ModeListener,
  ) {
    const result = new Result((passage) => void this.clip.showWindow(passage));
    const list = new ClipList({
      choose: (entry) => void this.#inPlaceOfLive(() => this.clip.show(entry)),
      predictAll: () => this.clip.predictAll(),
      clear: () => {
        this.clip.clear();
        listener.cleared();
      },
    });
    const meter = new CaptureDisplay("", input.listening);
    this.#listener = listener;
    this.clip = new ClipMode(predictor, { result, notice, networks, list }, (clips, original) =>
      listener.analysed(clips, original),
    );
    this.live = new LiveMode(predictor, { result, notice, networks, meter }, () =>
      listener.microphoneLost(),
    );
  }

  async takeFiles(file: File, ...others: File[]): Promise<void> {
    await this.#inPlaceOfLive(() => this.clip.take(sourceOf(file), ...others.map(sourceOf)));
  }

  /** @param again makes another recording */
  async takeRecording(sound: Sound, again: () => void): Promise<void> {
    const name = input.recordingName(++this.#recordings);
    const original = await encodeWav(sound);
    const source = { name, original, read: readOnce(sound, original), again };
    await this.#inPlaceOfLive(() => this.clip.take(source));
  }

  /** Predicts what is shown with the chosen network; one of the two has something. */
  predictAgain(): void {
    this.clip.predictAgain();
    void this.live.predictAgain();
  }

  /** At once, unless it listens: the caller may focus what is shown. */
  async #inPlaceOfLive(show: () => void): Promise<void> {
    if (this.live.isOn) await this.#listener.stopLive();
    this.live.leave();
    show();
  }
}

/** Reads a recording: at first from memory, which only the clip itself keeps then. */
function readOnce(sound: Sound, original: Blob): Source["read"] {
  let kept: Sound | undefined = sound;
  return async () => {
    const read = kept ?? (await decode(original));
    kept = undefined;
    return read;
  };
}

function sourceOf(file: File): Source {
  return { name: file.name, original: file, read: () => decode(file) };
}

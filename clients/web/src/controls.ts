/** The user's controls: choose a file, record, predict live, choose a network. */

import type { Handshake } from "speech-emotion-extractor";

import { decode } from "./audio/decode.js";
import { encodeWav } from "./audio/wav.js";
import { ClipMode } from "./clip-mode.js";
import { find } from "./dom.js";
import type { Engine } from "./engine/messages.js";
import { asFault, Fault } from "./faults.js";
import { LiveMode } from "./live-mode.js";
import { Recorder } from "./recorder.js";
import { input } from "./strings.js";
import { CaptureDisplay } from "./view/capture.js";
import { acceptDrops } from "./view/drop.js";
import { NetworkChoice } from "./view/networks.js";
import type { Notice } from "./view/notice.js";
import { Result } from "./view/result.js";
import { Toggle } from "./view/toggle.js";

export class Controls {
  readonly #notice: Notice;
  readonly #networks: NetworkChoice;
  readonly #clip: ClipMode;
  readonly #live: LiveMode;
  readonly #recorder: Recorder;
  readonly #display = new CaptureDisplay();
  readonly #file = find("file", HTMLInputElement);
  readonly #record: Toggle;
  readonly #listen: Toggle;
  #opening = false;

  constructor(engine: Engine, { features, networks }: Handshake, notice: Notice) {
    const result = new Result((passage) => void this.#clip.showWindow(passage));
    this.#notice = notice;
    this.#networks = new NetworkChoice(networks, () => void this.#clip.predictAgain(this.#network));
    this.#clip = new ClipMode(engine, features.sampleRate, result, notice);
    this.#live = new LiveMode(engine, features.sampleRate, result, notice, {
      network: () => this.#network,
      ended: () => this.#microphoneLost(),
    });
    this.#recorder = new Recorder({
      received: (elapsed, level) => this.#display.show(elapsed, level),
      ended: () => void this.#stopRecording(),
    });
    this.#record = new Toggle("record", input.recordTexts, (on) =>
      on ? this.#startRecording() : this.#stopRecording(),
    );
    this.#listen = new Toggle("live", input.liveTexts, (on) =>
      on ? this.#startLive() : this.#stopLive(),
    );
    this.#takeFiles();
    find("controls", HTMLFieldSetElement).disabled = networks.length === 0;
  }

  get #network(): string {
    return this.#networks.name ?? "";
  }

  #takeFiles(): void {
    this.#file.addEventListener("change", () => {
      const file = this.#file.files?.[0];
      if (file) this.#take(file);
      this.#file.value = ""; // otherwise choosing the same file again fires no event
    });
    acceptDrops((file) => {
      if (!this.#file.matches(":disabled")) this.#take(file);
    });
  }

  #take(file: File): void {
    const source = { name: file.name, original: file, read: () => decode(file) };
    void this.#clip.take(source, this.#network);
  }

  async #startRecording(): Promise<void> {
    this.#clip.leave();
    const started = await this.#open(
      () => this.#recorder.start(),
      () => this.#startRecording(),
    );
    if (!started) return;
    this.#record.set(true);
    this.#listen.disabled = this.#file.disabled = true;
    this.#display.show(0, -Infinity);
  }

  async #stopRecording(): Promise<void> {
    this.#record.set(false);
    this.#listen.disabled = this.#file.disabled = false;
    this.#display.hide();
    const sound = await this.#recorder.stop();
    const original = encodeWav(sound.samples, sound.sampleRate);
    const source = { name: input.recordingName, original, read: async () => sound };
    await this.#clip.take(source, this.#network);
  }

  async #startLive(): Promise<void> {
    this.#clip.leave();
    const started = await this.#open(
      () => this.#live.start(),
      () => this.#startLive(),
    );
    if (!started) return;
    this.#listen.set(true);
    this.#record.disabled = this.#file.disabled = true;
  }

  async #stopLive(): Promise<void> {
    this.#listen.set(false);
    this.#record.disabled = this.#file.disabled = false;
    await this.#live.stop();
  }

  #microphoneLost(): void {
    void this.#stopLive();
    const fault = new Fault({ kind: "microphone-missing" });
    this.#notice.show(fault, () => void this.#startLive());
  }

  /** Opens the microphone; ignores further clicks while the browser asks for permission. */
  async #open(start: () => Promise<void>, retry: () => Promise<void>): Promise<boolean> {
    if (this.#opening) return false;
    this.#opening = true;
    this.#notice.clear();
    try {
      await start();
      return true;
    } catch (error) {
      this.#notice.show(asFault(error), () => void retry());
      return false;
    } finally {
      this.#opening = false;
    }
  }
}

/** The user's controls: choose a file, record, predict live, choose a network. */

import type { Features, Handshake } from "speech-emotion-extractor";

import type { Sound } from "./clip.js";
import { find } from "./dom.js";
import type { Engine } from "./engine/messages.js";
import { asFault, Fault } from "./faults.js";
import type { Modes } from "./modes.js";
import { Predictor } from "./predictor.js";
import { Recorder } from "./audio/recorder.js";
import { offerSamples } from "./samples.js";
import { input, voice as voiceTexts } from "./strings/index.js";
import { CaptureDisplay } from "./view/capture.js";
import { DeviceSwitch } from "./view/device.js";
import { acceptDrops } from "./view/drop.js";
import { NetworkChoice } from "./view/networks/networks.js";
import type { Notice } from "./view/notice.js";
import { Toggle } from "./view/toggle.js";
import { VoicePanel } from "./view/voice-panel.js";
import { VoiceMode } from "./voice/voice-mode.js";
import { Voice } from "./voice/voice.js";

export class Controls {
  readonly #notice: Notice;
  readonly #networks: NetworkChoice;
  readonly #predictor: Predictor;
  #modes: Modes | undefined;
  readonly #recorder: Recorder;
  readonly #voice: VoiceMode;
  readonly #voicePanel: VoicePanel;
  readonly #voiceRecorder: Recorder;
  readonly #file = find("file", HTMLInputElement);
  readonly #record: Toggle;
  readonly #listen: Toggle;
  readonly #speak: Toggle;
  /** Recordings that are not offered as the usual voice: samples, and those that were already. */
  readonly #notOffered = new WeakSet<Blob>();
  #opening = false;
  /** Beside the closure for an error, this one would keep its samples. */
  readonly #recordAgain = (): void => void this.#startRecording();

  /** @param forgotten is called when the user forgets the usual voice */
  constructor(engine: Engine, handshake: Handshake, notice: Notice, forgotten: () => void) {
    const { networks } = handshake;
    const voice = new Voice(handshake, () => this.#voiceChanged());
    const device = new DeviceSwitch(networks, () => this.#predictAgain());
    this.#predictor = new Predictor(
      engine,
      handshake,
      () => voice.baseline,
      (network) => device.isLocal(network),
    );
    this.#notice = notice;
    this.#networks = new NetworkChoice(networks, () => {
      this.#voicePanel.showFor(this.#networks.chosen);
      this.#predictAgain();
    });
    this.#voicePanel = new VoicePanel({
      compare: (on) => {
        voice.on = on;
        this.#voiceChanged();
      },
      add: () => this.#voice.addWaiting(),
      forget: () => {
        const compared = voice.on;
        this.#voice.forget();
        forgotten();
        if (compared) this.#voiceChanged();
      },
    });
    this.#voicePanel.showFor(this.#networks.chosen);
    this.#voice = new VoiceMode(voice, this.#voicePanel, this.#predictor);
    const display = new CaptureDisplay();
    this.#recorder = new Recorder(display, () => void this.#stopRecording());
    const voiceDisplay = new CaptureDisplay("voice-");
    this.#voiceRecorder = new Recorder(voiceDisplay, () => void this.#stopSpeaking());
    this.#record = new Toggle("record", input.recordTexts, (on) =>
      on ? this.#startRecording() : this.#stopRecording(),
    );
    this.#listen = new Toggle("live", input.liveTexts, (on) =>
      on ? this.#startLive() : this.#stopLive(),
    );
    this.#speak = new Toggle("voice-speak", voiceTexts.speakTexts, (on) =>
      on ? this.#startSpeaking() : this.#stopSpeaking(),
    );
    this.#takeFiles();
    offerSamples((load) => void this.#takeSample(load));
    find("controls", HTMLFieldSetElement).disabled = networks.length === 0;
  }

  #voiceChanged(): void {
    this.#voice.show();
    this.#predictAgain();
  }

  #predictAgain(): void {
    this.#modes?.predictAgain();
  }

  /**
   * Loads what shows recordings and live listening.
   *
   * @throws Fault of kind "away"
   */
  async load(): Promise<Modes> {
    const { Modes } = await import("./modes.js").catch(() => {
      throw new Fault({ kind: "away" });
    });
    this.#modes ??= new Modes(this.#predictor, this.#notice, this.#networks, {
      analysed: (clips, original) => this.#offer(clips, original),
      cleared: () => this.#voice.drop(),
      stopLive: () => this.#stopLive(),
      microphoneLost: () => this.#microphoneLost(),
    });
    return this.#modes;
  }

  #offer(clips: readonly Features[], original: Blob): void {
    if (this.#notOffered.has(original)) return;
    this.#notOffered.add(original);
    this.#voice.offer(clips);
  }

  #takeFiles(): void {
    this.#file.addEventListener("change", () => {
      const [file, ...others] = this.#file.files ?? [];
      if (file) void this.#take(file, ...others);
      this.#file.value = ""; // otherwise choosing the same file again fires no event
    });
    acceptDrops(([file, ...others]) => {
      const isBusy = this.#file.matches(":disabled");
      if (isBusy) return void this.#notice.show(new Fault({ kind: "busy" }), undefined, file.name);
      void this.#take(file, ...others);
    });
  }

  async #takeSample(load: () => Promise<File>): Promise<void> {
    if (this.#file.disabled) return void this.#notice.show(new Fault({ kind: "busy" }));
    try {
      const file = await load();
      this.#notOffered.add(file);
      await this.#take(file);
    } catch (error) {
      this.#notice.show(asFault(error), () => void this.#takeSample(load));
    }
  }

  async #take(file: File, ...others: File[]): Promise<void> {
    try {
      await (await this.load()).takeFiles(file, ...others);
    } catch (error) {
      this.#notice.show(asFault(error), () => void this.#take(file, ...others), file.name);
    }
  }

  async #startRecording(): Promise<void> {
    const started = await this.#open(
      async () => {
        await this.load(); // nobody shall speak in vain
        await this.#recorder.start();
      },
      () => this.#startRecording(),
    );
    if (!started) return;
    this.#record.set(true);
    this.#listen.disabled = this.#speak.disabled = this.#file.disabled = true;
  }

  async #stopRecording(): Promise<void> {
    this.#record.set(false);
    this.#listen.disabled = this.#speak.disabled = this.#file.disabled = false;
    const sound = await this.#recorder.stop();
    await this.#takeRecording(sound);
  }

  async #takeRecording(sound: Sound): Promise<void> {
    try {
      const modes = await this.load();
      await modes.takeRecording(sound, this.#recordAgain);
    } catch (error) {
      this.#notice.show(asFault(error), () => void this.#takeRecording(sound));
    }
  }

  async #startSpeaking(): Promise<void> {
    const started = await this.#open(
      () => this.#voiceRecorder.start(),
      () => this.#startSpeaking(),
    );
    if (!started) return;
    this.#speak.set(true);
    this.#record.disabled = this.#listen.disabled = this.#file.disabled = true;
  }

  async #stopSpeaking(): Promise<void> {
    this.#speak.set(false);
    this.#record.disabled = this.#listen.disabled = this.#file.disabled = false;
    const sound = await this.#voiceRecorder.stop();
    this.#voicePanel.working();
    try {
      await this.#voice.addSpeech(sound);
    } catch (error) {
      this.#voice.show();
      this.#notice.show(asFault(error));
    }
  }

  async #startLive(): Promise<void> {
    const started = await this.#open(
      async () => (await this.load()).live.start(),
      () => this.#startLive(),
    );
    if (!started) return;
    this.#modes?.clip.leave();
    this.#listen.set(true);
    this.#record.disabled = this.#speak.disabled = this.#file.disabled = true;
  }

  async #stopLive(): Promise<void> {
    this.#listen.set(false);
    this.#record.disabled = this.#speak.disabled = this.#file.disabled = false;
    await this.#modes?.live.stop();
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

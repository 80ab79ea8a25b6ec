/** The user's controls: choose a file, record, predict live, choose a network. */

import type { Handshake } from "speech-emotion-extractor";

import { decode } from "./audio/decode.js";
import { encodeWav } from "./audio/wav.js";
import { ClipMode } from "./clips/clip-mode.js";
import type { Entry, Source } from "./clips/entry.js";
import { find } from "./dom.js";
import type { Engine } from "./engine/messages.js";
import { asFault, Fault } from "./faults.js";
import { LiveMode } from "./live-mode.js";
import { Predictor } from "./predictor.js";
import { Recorder } from "./recorder.js";
import { offerSamples } from "./samples.js";
import { input, voice as voiceTexts } from "./strings/index.js";
import { CaptureDisplay } from "./view/capture.js";
import { ClipList } from "./view/clips/list.js";
import { DeviceSwitch } from "./view/device.js";
import { acceptDrops } from "./view/drop.js";
import { NetworkChoice } from "./view/networks.js";
import type { Notice } from "./view/notice.js";
import { Result } from "./view/result.js";
import { Toggle } from "./view/toggle.js";
import { VoicePanel } from "./view/voice-panel.js";
import { VoiceMode } from "./voice-mode.js";
import { Voice } from "./voice.js";

export class Controls {
  readonly #notice: Notice;
  readonly #networks: NetworkChoice;
  readonly #clip: ClipMode;
  readonly #live: LiveMode;
  readonly #recorder: Recorder;
  readonly #voice: VoiceMode;
  readonly #voicePanel: VoicePanel;
  readonly #voiceRecorder: Recorder;
  readonly #file = find("file", HTMLInputElement);
  readonly #record: Toggle;
  readonly #listen: Toggle;
  readonly #speak: Toggle;
  /** Clips of nobody's voice. */
  readonly #samples = new WeakSet<Blob>();
  #opening = false;
  #recordings = 0;

  /** @param forgotten is called when the user forgets the usual voice */
  constructor(engine: Engine, handshake: Handshake, notice: Notice, forgotten: () => void) {
    const { networks } = handshake;
    const result = new Result((passage) => void this.#clip.showWindow(passage));
    const voice = new Voice(handshake, () => this.#voiceChanged());
    const device = new DeviceSwitch(networks, () => this.#predictAgain());
    const predictor = new Predictor(
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
    this.#voice = new VoiceMode(voice, this.#voicePanel, predictor);
    const list = new ClipList({
      choose: (entry) => void this.#showClip(entry),
      predictAll: () => this.#clip.predictAll(),
      clear: () => this.#clip.clear(),
    });
    const views = { result, notice, networks: this.#networks, list };
    this.#clip = new ClipMode(predictor, views, (clips, original) => {
      if (!this.#samples.has(original)) this.#voice.offer(clips);
    });
    const meter = new CaptureDisplay("", input.listening);
    this.#live = new LiveMode(predictor, { result, notice, networks: this.#networks, meter }, () =>
      this.#microphoneLost(),
    );
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

  /** Predicts what is shown with the chosen network; one of the two has something. */
  #predictAgain(): void {
    this.#clip.predictAgain();
    void this.#live.predictAgain();
  }

  #takeFiles(): void {
    this.#file.addEventListener("change", () => {
      const [file, ...others] = this.#file.files ?? [];
      if (file) this.#take(file, ...others);
      this.#file.value = ""; // otherwise choosing the same file again fires no event
    });
    acceptDrops(([file, ...others]) => {
      const isBusy = this.#file.matches(":disabled");
      if (isBusy) return this.#notice.show(new Fault({ kind: "busy" }), undefined, file.name);
      this.#take(file, ...others);
    });
  }

  async #takeSample(load: () => Promise<File>): Promise<void> {
    if (this.#file.disabled) return this.#notice.show(new Fault({ kind: "busy" }));
    try {
      const file = await load();
      this.#samples.add(file);
      this.#take(file);
    } catch (error) {
      this.#notice.show(asFault(error), () => void this.#takeSample(load));
    }
  }

  #take(file: File, ...others: File[]): void {
    this.#live.leave();
    this.#clip.take(sourceOf(file), ...others.map(sourceOf));
  }

  /** Shows a clip of the list in place of what is heard live. */
  async #showClip(entry: Entry): Promise<void> {
    if (this.#live.isOn) await this.#stopLive();
    this.#live.leave();
    this.#clip.show(entry);
  }

  async #startRecording(): Promise<void> {
    const started = await this.#open(
      () => this.#recorder.start(),
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
    const source = {
      name: input.recordingName(++this.#recordings),
      original: await encodeWav(sound),
      read: async () => sound,
      again: () => void this.#startRecording(),
    };
    this.#live.leave();
    this.#clip.take(source);
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
      () => this.#live.start(),
      () => this.#startLive(),
    );
    if (!started) return;
    this.#clip.leave();
    this.#listen.set(true);
    this.#record.disabled = this.#speak.disabled = this.#file.disabled = true;
  }

  async #stopLive(): Promise<void> {
    this.#listen.set(false);
    this.#record.disabled = this.#speak.disabled = this.#file.disabled = false;
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

function sourceOf(file: File): Source {
  return { name: file.name, original: file, read: () => decode(file) };
}

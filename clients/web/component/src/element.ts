/** The element: connects when it is first used, records or opens a file, and predicts. */

import type { Network } from "speech-emotion-extractor";

import { decode } from "../../src/audio/decode.js";
import type { Sound } from "../../src/clip.js";
import { asFault } from "../../src/faults.js";
import { Recorder } from "../../src/recorder.js";
import { Connection, type Predicted } from "./connection.js";
import { textsFor } from "./texts.js";
import type { Emotion } from "./types.js";
import { View } from "./view.js";

export class SpeechEmotion extends HTMLElement {
  static readonly observedAttributes = ["server", "network", "lang"];

  #view: View | undefined;
  #connecting: Promise<Connection> | undefined;
  #isRecording = false;
  readonly #recorder = new Recorder(
    { show: (elapsed) => this.#view?.elapsed(elapsed), hide: () => undefined },
    () => void this.#stop(),
  );

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    this.#view ??= new View(root, this.#language.texts, {
      record: () => void (this.#isRecording ? this.#stop() : this.#start()),
      take: (file) => void this.#predict(() => decode(file)),
    });
    this.#reset();
  }

  disconnectedCallback(): void {
    if (this.#isRecording) void this.#recorder.stop();
    this.#isRecording = false;
  }

  attributeChangedCallback(name: string): void {
    if (name === "server") this.#connecting = undefined;
    this.#reset();
  }

  get #language(): ReturnType<typeof textsFor> {
    const marked = this.closest<HTMLElement>("[lang]")?.lang;
    return textsFor(marked ? [marked] : navigator.languages);
  }

  #reset(): void {
    const { texts, lang } = this.#language;
    this.#view?.reset(texts, lang);
  }

  async #start(): Promise<void> {
    await this.#attempt(async () => {
      await this.#recorder.start();
      this.#isRecording = true;
      this.#view?.recording();
    });
  }

  async #stop(): Promise<void> {
    this.#isRecording = false;
    await this.#predict(() => this.#recorder.stop());
  }

  async #predict(read: () => Promise<Sound>): Promise<void> {
    await this.#attempt(async () => {
      this.#view?.computing();
      await this.#show(await read());
    });
  }

  async #show(sound: Sound): Promise<void> {
    const connection = await this.#connect();
    const network = this.#choose(connection);
    if (!network) return;
    const predicted = await connection.predict(sound, network);
    const isLocal = connection.isLocal(network);
    this.#view?.show(predicted, isLocal);
    this.#tell(predicted, network, isLocal);
  }

  #tell({ prediction }: Predicted, { networkType }: Network, isLocal: boolean): void {
    const { results, warning } = prediction;
    const detail: Emotion = { results, ...(warning && { warning }), networkType, isLocal };
    this.dispatchEvent(new CustomEvent("emotion", { detail, bubbles: true, composed: true }));
  }

  /** The network of the attribute, or else the best one. */
  #choose(connection: Connection): Network | undefined {
    const wanted = this.getAttribute("network");
    const names = connection.networks.map(({ networkType }) => networkType);
    const found =
      wanted === null
        ? connection.best
        : connection.networks.find(({ networkType }) => networkType === wanted);
    const { element, network } = this.#language.texts;
    if (!found) this.#view?.say(wanted === null ? network.none : element.noNetwork(wanted, names));
    return found;
  }

  async #connect(): Promise<Connection> {
    const connecting = (this.#connecting ??= Connection.open(this.getAttribute("server") ?? ""));
    connecting.catch(() => (this.#connecting = undefined)); // the next use tries again
    return connecting;
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    if (!this.getAttribute("server")) {
      return this.#view?.say(this.#language.texts.element.noServer);
    }
    this.#view?.busy();
    try {
      await work();
    } catch (error) {
      this.#view?.fail(asFault(error));
    }
    if (!this.#isRecording) this.#view?.idle();
  }
}

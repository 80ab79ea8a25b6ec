/** The element: connects when it is first used, records or opens a file, and predicts. */

import type { Network } from "speech-emotion-extractor";

import { decode } from "../../src/audio/decode.js";
import type { Sound } from "../../src/clip.js";
import { asFault } from "../../src/faults.js";
import { Recorder } from "../../src/audio/recorder.js";
import { Connection, type Predicted } from "./connection.js";
import { textsFor } from "./texts.js";
import type { Emotion } from "./types.js";
import { View, type State } from "./view.js";

export class SpeechEmotion extends HTMLElement {
  static readonly observedAttributes = ["server", "network", "lang"];

  #view: View | undefined;
  #connecting: Promise<Connection> | undefined;
  #state: State = "idle";
  /** What an earlier run finds is not shown. */
  #run = 0;
  readonly #recorder = new Recorder(
    { show: (elapsed) => this.#view?.elapsed(elapsed), hide: () => undefined },
    () => void this.#stop(),
  );

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    this.#view ??= new View(root, this.#language.texts, {
      record: () => void (this.#state === "recording" ? this.#stop() : this.#start()),
      take: (file) => {
        if (this.#state === "idle") void this.#predict(() => decode(file));
      },
    });
    this.#reset();
  }

  disconnectedCallback(): void {
    if (this.#state !== "recording") return;
    void this.#recorder.stop();
    this.#become("idle");
  }

  attributeChangedCallback(name: string): void {
    if (name === "server") this.#connecting = undefined;
    if (name !== "lang" && this.#state === "computing") {
      this.#run++; // its answer would be that of the old attribute
      this.#state = "idle";
    }
    this.#reset();
  }

  get #language(): ReturnType<typeof textsFor> {
    const marked = this.closest<HTMLElement>("[lang]")?.lang;
    return textsFor(marked ? [marked] : navigator.languages);
  }

  #reset(): void {
    const { texts, lang } = this.#language;
    this.#view?.reset(texts, lang);
    this.#become(this.#state);
  }

  #become(state: State): void {
    this.#state = state;
    this.#view?.become(state);
  }

  async #start(): Promise<void> {
    await this.#attempt("starting", async () => {
      await this.#recorder.start();
      if (this.isConnected) this.#become("recording");
      else await this.#recorder.stop(); // it was removed while the browser asked the visitor
    });
  }

  async #stop(): Promise<void> {
    if (this.#state !== "recording") return;
    const sound = this.#recorder.stop(); // also if there is no server any more
    await this.#predict(() => sound);
  }

  async #predict(read: () => Promise<Sound>): Promise<void> {
    await this.#attempt("computing", async (run) => this.#show(await read(), run));
  }

  async #show(sound: Sound, run: number): Promise<void> {
    const connection = await this.#connect();
    if (run !== this.#run) return;
    const network = this.#choose(connection);
    if (!network) return;
    const predicted = await connection.predict(sound, network);
    if (run !== this.#run) return;
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
    connecting.catch(() => {
      if (this.#connecting === connecting) this.#connecting = undefined; // the next use tries again
    });
    return connecting;
  }

  async #attempt(state: State, work: (run: number) => Promise<void>): Promise<void> {
    if (!this.getAttribute("server")) {
      this.#become("idle");
      return this.#view?.say(this.#language.texts.element.noServer);
    }
    const run = ++this.#run;
    this.#become(state);
    try {
      await work(run);
    } catch (error) {
      if (run === this.#run) this.#view?.fail(asFault(error));
    }
    if (run === this.#run && this.#state === state) this.#become("idle");
  }
}

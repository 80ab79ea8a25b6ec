/** Clip mode: loads a recording, predicts it, and predicts it again with another network. */

import type { Features } from "speech-emotion-extractor";

import { Analysis, average, type PredictedPassage, type Passage } from "./analysis.js";
import { check, duration, type Clip, type Sound } from "./clip.js";
import { asFault, type Fault } from "./faults.js";
import type { Predictor } from "./predictor.js";
import { result as words, status } from "./strings/index.js";
import type { NetworkChoice } from "./view/networks.js";
import type { Notice } from "./view/notice.js";
import type { Result } from "./view/result.js";

/** A recording from a file or from the microphone. */
export interface Source {
  readonly name: string;
  readonly original: Blob;
  read(): Promise<Sound>;
  /** Makes another recording; only of the microphone. */
  readonly again?: () => void;
}

interface Current {
  readonly clip: Clip;
  readonly analysis: Analysis;
}

export class ClipMode {
  readonly #predictor: Predictor;
  readonly #result: Result;
  readonly #notice: Notice;
  readonly #networks: NetworkChoice;
  readonly #analysed: (clips: readonly Features[], original: Blob) => void;
  /** The clip whose result is shown. */
  #current: Current | undefined;
  /** The recording that will replace it. */
  #next: Source | undefined;
  #running = new AbortController();

  /** @param analysed is called with each recording that was predicted, and its features */
  constructor(
    predictor: Predictor,
    result: Result,
    notice: Notice,
    networks: NetworkChoice,
    analysed: (clips: readonly Features[], original: Blob) => void,
  ) {
    this.#predictor = predictor;
    this.#result = result;
    this.#notice = notice;
    this.#networks = networks;
    this.#analysed = analysed;
  }

  /** Drops the current recording and cancels its predictions; its result stays. */
  leave(): void {
    this.#begin();
    this.#current = this.#next = undefined;
    this.#result.hideProgress();
  }

  /** Loads a new recording and predicts it. Until then the result before it stays. */
  async take(source: Source): Promise<void> {
    this.#next = source;
    await this.#attempt(
      async (signal) => {
        this.#result.showProgress(status.reading(source.name));
        const clip = await this.#prepare(source);
        const analysis = new Analysis(this.#predictor, clip.sound);
        if (!signal.aborted) await this.#predict({ clip, analysis }, signal);
      },
      source.name,
      (fault) => (fault.isOfRecording ? source.again : () => void this.take(source)),
    );
  }

  /** Predicts the current recording with the chosen network. */
  async predictAgain(): Promise<void> {
    const current = this.#current;
    if (this.#next) return this.take(this.#next);
    if (current === undefined) return;
    await this.#attempt(
      (signal) => this.#predict(current, signal),
      current.clip.name,
      () => () => void this.predictAgain(),
    );
  }

  /** Shows the features of a window, if the recording is too long to show as a whole. */
  async showWindow(passage: Passage): Promise<void> {
    const analysis = this.#current?.analysis;
    if (analysis === undefined || analysis.whole) return;
    const window = analysis.windows.find(({ start }) => start === passage.start);
    if (window) this.#result.showWindow(await analysis.features(window), window);
  }

  async #prepare({ name, original, read }: Source): Promise<Clip> {
    const recorded = await read();
    check(recorded);
    return { name, original, sound: await this.#predictor.prepared(recorded) };
  }

  async #predict(current: Current, signal: AbortSignal): Promise<void> {
    const { clip, analysis } = current;
    const network = this.#networks.chosen;
    const { networkType = "" } = network ?? {};
    const by = words.by(networkType, this.#predictor.isLocal(networkType));
    const source = words.source(clip.name, duration(clip.sound), by);
    if (analysis.whole) {
      this.#result.showProgress(status.computing);
      const predicted = await analysis.predict(analysis.whole, networkType);
      if (signal.aborted) return;
      this.#show(current);
      const features = await analysis.features(analysis.whole);
      this.#result.showFeatures(features, clip.sound, this.#predictor.frameSeconds);
      this.#result.showPrediction(predicted, { source, network });
    }
    const passages = await this.#predictWindows(current, networkType, signal);
    if (!signal.aborted) this.#analysed(await analysis.separateFeatures(), clip.original);
    const overall = average(passages);
    if (signal.aborted || !overall) return;
    if (analysis.whole) return this.#result.consider(passages);
    const long = `${source}. ${words.average(passages.length)}`;
    this.#result.showPrediction(overall, { source: long, network }, passages);
    await this.showWindow(passages.find(({ predicted }) => predicted)!);
  }

  async #predictWindows(
    current: Current,
    network: string,
    signal: AbortSignal,
  ): Promise<PredictedPassage[]> {
    const { clip, analysis } = current;
    const passages: PredictedPassage[] = [];
    const count = analysis.windows.length;
    for await (const passage of analysis.predictWindows(network, signal)) {
      passages.push(passage);
      this.#show(current);
      this.#result.showWindows(passages, duration(clip.sound));
      this.#result.showProgress(status.windows(passages.length, count), passages.length / count);
    }
    return passages;
  }

  /** Replaces the clip that is shown, once there is a first prediction. */
  #show(current: Current): void {
    if (this.#current === current) return;
    this.#current = current;
    this.#next = undefined;
    this.#result.showClip(current.clip);
  }

  #begin(): AbortSignal {
    this.#running.abort();
    this.#running = new AbortController();
    return this.#running.signal;
  }

  async #attempt(
    work: (signal: AbortSignal) => Promise<void>,
    name: string,
    retry: (fault: Fault) => (() => void) | undefined,
  ): Promise<void> {
    const signal = this.#begin();
    this.#notice.clear();
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#next = undefined;
      const fault = asFault(error);
      this.#notice.show(fault, retry(fault), name);
    } finally {
      if (!signal.aborted) this.#result.hideProgress();
    }
  }
}

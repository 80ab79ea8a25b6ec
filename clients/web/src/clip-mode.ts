/** Clip mode: loads a recording, predicts it, and predicts it again with another network. */

import type { Features } from "speech-emotion-extractor";

import { Analysis, average, type PredictedPassage, type Passage } from "./analysis.js";
import { check, duration, type Clip, type Sound } from "./clip.js";
import { asFault } from "./faults.js";
import type { Predictor } from "./predictor.js";
import { result as words, status } from "./strings.js";
import type { Notice } from "./view/notice.js";
import type { Result } from "./view/result.js";

/** A recording from a file or from the microphone. */
export interface Source {
  readonly name: string;
  readonly original: Blob;
  read(): Promise<Sound>;
}

export class ClipMode {
  readonly #predictor: Predictor;
  readonly #result: Result;
  readonly #notice: Notice;
  readonly #analysed: (clips: readonly Features[]) => void;
  #current: { readonly clip: Clip; readonly analysis: Analysis } | undefined;
  #running = new AbortController();

  /** @param analysed is called with the features of each recording that was predicted */
  constructor(
    predictor: Predictor,
    result: Result,
    notice: Notice,
    analysed: (clips: readonly Features[]) => void,
  ) {
    this.#predictor = predictor;
    this.#result = result;
    this.#notice = notice;
    this.#analysed = analysed;
  }

  /** Drops the current recording and cancels its predictions. */
  leave(): void {
    this.#begin();
    this.#current = undefined;
    this.#result.clear();
    this.#result.hideProgress();
  }

  /** Loads a new recording and predicts it. */
  async take(source: Source, network: string): Promise<void> {
    this.leave();
    await this.#attempt(
      async (signal) => {
        this.#result.showProgress(status.reading);
        const clip = await this.#prepare(source);
        if (signal.aborted) return;
        this.#current = { clip, analysis: new Analysis(this.#predictor, clip.sound) };
        this.#result.showClip(clip);
        await this.#predict(network, signal);
      },
      () => void this.take(source, network),
    );
  }

  /** Predicts the current recording with another network. */
  async predictAgain(network: string): Promise<void> {
    if (this.#current === undefined) return;
    await this.#attempt(
      (signal) => this.#predict(network, signal),
      () => void this.predictAgain(network),
    );
  }

  /** Shows the features of a window, if the recording is too long to show as a whole. */
  async showWindow(passage: Passage): Promise<void> {
    const analysis = this.#current?.analysis;
    if (analysis === undefined || analysis.whole) return;
    const window = analysis.windows.find(({ start }) => start === passage.start);
    if (window) this.#result.showFeatures(await analysis.features(window), window);
  }

  async #prepare({ name, original, read }: Source): Promise<Clip> {
    const recorded = await read();
    check(recorded);
    return { name, original, sound: await this.#predictor.prepared(recorded) };
  }

  async #predict(network: string, signal: AbortSignal): Promise<void> {
    const { clip, analysis } = this.#current!;
    const length = duration(clip.sound);
    const source = words.source(clip.name, length, network);
    if (analysis.whole) {
      this.#result.showProgress(status.computing);
      const predicted = await analysis.predict(analysis.whole, network);
      if (signal.aborted) return;
      this.#result.showFeatures(await analysis.features(analysis.whole));
      this.#result.showPrediction(predicted, source);
    }
    const passages = await this.#predictWindows(analysis, network, length, signal);
    if (!signal.aborted) this.#analysed(await analysis.separateFeatures());
    const overall = average(passages);
    if (analysis.whole || !overall || signal.aborted) return;
    this.#result.showPrediction(overall, `${source}. ${words.average(passages.length)}`);
    await this.showWindow(passages.find(({ predicted }) => predicted)!);
  }

  async #predictWindows(
    analysis: Analysis,
    network: string,
    length: number,
    signal: AbortSignal,
  ): Promise<PredictedPassage[]> {
    const passages: PredictedPassage[] = [];
    const count = analysis.windows.length;
    for await (const passage of analysis.predictWindows(network, signal)) {
      passages.push(passage);
      this.#result.showWindows(passages, length);
      this.#result.showProgress(status.windows(passages.length, count), passages.length / count);
    }
    return passages;
  }

  #begin(): AbortSignal {
    this.#running.abort();
    this.#running = new AbortController();
    return this.#running.signal;
  }

  async #attempt(work: (signal: AbortSignal) => Promise<void>, retry: () => void): Promise<void> {
    const signal = this.#begin();
    this.#notice.clear();
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) this.#notice.show(asFault(error), retry);
    } finally {
      if (!signal.aborted) this.#result.hideProgress();
    }
  }
}

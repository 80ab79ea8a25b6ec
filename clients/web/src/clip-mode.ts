/** A recording as a whole: taken in, heard by the chosen network, and heard again by another. */

import { Analysis, average, type HeardPassage, type Passage } from "./analysis.js";
import { check, duration, type Clip, type Sound } from "./clip.js";
import type { Engine } from "./engine/messages.js";
import { asFault } from "./faults.js";
import { result as words, status } from "./strings.js";
import type { Notice } from "./view/notice.js";
import type { Result } from "./view/result.js";

/** A recording as it comes in. */
export interface Source {
  readonly name: string;
  readonly original: Blob;
  read(): Promise<Sound>;
}

export class ClipMode {
  readonly #engine: Engine;
  readonly #sampleRate: number;
  readonly #result: Result;
  readonly #notice: Notice;
  #current: { readonly clip: Clip; readonly analysis: Analysis } | undefined;
  #running = new AbortController();

  constructor(engine: Engine, sampleRate: number, result: Result, notice: Notice) {
    this.#engine = engine;
    this.#sampleRate = sampleRate;
    this.#result = result;
    this.#notice = notice;
  }

  /** Forgets the recording, if there is one, and stops working on it. */
  leave(): void {
    this.#begin();
    this.#current = undefined;
    this.#result.clear();
    this.#result.hideProgress();
  }

  /** Takes a new recording and has it heard. */
  async take(source: Source, network: string): Promise<void> {
    this.leave();
    await this.#attempt(
      async (signal) => {
        this.#result.showProgress(status.reading);
        const clip = await this.#prepare(source);
        if (signal.aborted) return;
        this.#current = { clip, analysis: new Analysis(this.#engine, clip.sound) };
        this.#result.showClip(clip);
        await this.#hear(network, signal);
      },
      () => void this.take(source, network),
    );
  }

  /** Has the recording heard again, by another network. */
  async hearAgain(network: string): Promise<void> {
    if (this.#current === undefined) return;
    await this.#attempt(
      (signal) => this.#hear(network, signal),
      () => void this.hearAgain(network),
    );
  }

  /** Shows the features of a window of a recording that is too long to show as a whole. */
  async showWindow(passage: Passage): Promise<void> {
    const analysis = this.#current?.analysis;
    if (analysis === undefined || analysis.whole) return;
    const window = analysis.windows.find(({ start }) => start === passage.start);
    if (window) this.#result.showFeatures(await analysis.features(window), window);
  }

  async #prepare({ name, original, read }: Source): Promise<Clip> {
    const { samples, sampleRate } = await read();
    check({ samples, sampleRate }); // before the work
    const resampled = await this.#engine.resample(samples, sampleRate);
    return { name, original, sound: { samples: resampled, sampleRate: this.#sampleRate } };
  }

  async #hear(network: string, signal: AbortSignal): Promise<void> {
    const { clip, analysis } = this.#current!;
    const length = duration(clip.sound);
    const source = words.source(clip.name, length, network);
    if (analysis.whole) {
      this.#result.showProgress(status.computing);
      const heard = await analysis.hear(analysis.whole, network);
      if (signal.aborted) return;
      this.#result.showFeatures(await analysis.features(analysis.whole));
      this.#result.showPrediction(heard, source);
    }
    const passages = await this.#hearWindows(analysis, network, length, signal);
    const overall = average(passages);
    if (analysis.whole || !overall || signal.aborted) return;
    this.#result.showPrediction(overall, `${source}. ${words.average(passages.length)}`);
    await this.showWindow(passages.find(({ heard }) => heard)!);
  }

  async #hearWindows(
    analysis: Analysis,
    network: string,
    length: number,
    signal: AbortSignal,
  ): Promise<HeardPassage[]> {
    const passages: HeardPassage[] = [];
    const count = analysis.windows.length;
    for await (const passage of analysis.hearWindows(network, signal)) {
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

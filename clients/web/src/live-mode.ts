/** Live mode on the page: shows the latest prediction and those of the last 30 seconds. */

import type { PredictedPassage } from "./analysis.js";
import { duration } from "./clip.js";
import { Live, type LiveListener, type Moment } from "./live.js";
import type { Predictor } from "./predictor.js";
import { result as words, status } from "./strings.js";
import { winnerOf } from "./view/bars.js";
import type { Notice } from "./view/notice.js";
import type { Result } from "./view/result.js";

const HISTORY = 30; // seconds

type LiveCallbacks = Pick<LiveListener, "network" | "ended">;

export class LiveMode {
  readonly #result: Result;
  readonly #notice: Notice;
  readonly #network: () => string;
  readonly #live: Live;
  #history: PredictedPassage[] = [];

  constructor(predictor: Predictor, result: Result, notice: Notice, callbacks: LiveCallbacks) {
    this.#result = result;
    this.#notice = notice;
    this.#network = callbacks.network;
    this.#live = new Live(predictor, {
      ...callbacks,
      predicted: (moment) => this.#show(moment),
      failed: (fault) => notice.show(fault),
    });
  }

  /** @throws Fault of a "microphone-" kind */
  async start(): Promise<void> {
    this.#history = [];
    await this.#live.start();
    this.#result.showProgress(status.liveQuiet);
  }

  async stop(): Promise<void> {
    this.#result.hideProgress();
    await this.#live.stop();
  }

  #show({ sound, predicted, features, end }: Moment): void {
    this.#notice.clear();
    this.#result.showSound(sound);
    if (features) this.#result.showFeatures(features);
    if (predicted) {
      const inWords = words.liveInWords(winnerOf(predicted).emotionType);
      this.#result.showPrediction(predicted, words.live(this.#network()), inWords);
      this.#result.hideProgress();
    } else {
      this.#result.showProgress(status.liveQuiet);
    }
    this.#remember({ start: end - duration(sound), end, predicted });
  }

  #remember(passage: PredictedPassage): void {
    this.#history = [...this.#history, passage].filter(({ end }) => end > passage.end - HISTORY);
    const begin = Math.max(0, passage.end - HISTORY);
    this.#result.showWindows(this.#history, HISTORY, begin);
  }
}
